package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/windrow-data/windrow/cmd/windrow/internal/warehousetest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// pushedPerson is what a push knows of one person, and an operator's secrets.
var pushedPerson = map[string]string{
	"number": "+525598761234", "second number": "+14256715523", "bad number": "llamar a Guadalupe 55", "e-mail": "Guadalupe.Xochitl@correo-privado.example",
	"name": "Guadalupe Xóchitl", "content": "Hola Guadalupe, tu cita es mañana con el doctor Zapotecatl",
	"token": "planted-token-77aa88bb", "push key": "planted push key, thirty-two bytes or more",
}

// found lists the personal values that a text holds, plain or in a form that tells them all the same.
func personalIn(text string) (found []string) {
	lower := strings.ToLower(text)
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		if strings.ContainsRune(" ()-.+", r) {
			return -1
		}
		return '|'
	}, text)
	for what, value := range pushedPerson {
		quoted, _ := json.Marshal(value)
		sum := sha256.Sum256([]byte(value))
		for _, form := range []string{
			value, strings.Trim(string(quoted), `"`), url.QueryEscape(value), url.PathEscape(value), base64.StdEncoding.EncodeToString([]byte(value)),
			hex.EncodeToString([]byte(value)), hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]),
		} {
			if strings.Contains(lower, strings.ToLower(form)) {
				found = append(found, what)
			}
		}
	}
	for _, row := range []string{"5598761234", "4256715523"} {
		if strings.Contains(digits, row) {
			found = append(found, "the digits "+row)
		}
	}
	for _, word := range []string{"guadalupe", "xóchitl", "xochitl", "zapotecatl", "correo-privado"} {
		if strings.Contains(lower, word) {
			found = append(found, word)
		}
	}
	return found
}

// echo is how a vendor repeats what it was sent.
func echo() string {
	quoted, _ := json.Marshal(pushedPerson)
	return plantedControl + ` said no to ` + pushedPerson["number"] + ` (+52 55 9876-1234, 0155 9876 1234), Xóchitl ` + strings.ToUpper(pushedPerson["name"]) + ` ` + url.QueryEscape(pushedPerson["content"]) + ` ` + string(quoted)
}

func TestNothingPersonalIsLeftOrPrintedByAPush(t *testing.T) {
	for _, ledger := range []string{"a directory", "the sink", "BigQuery"} {
		t.Run(ledger, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, "lists", 0)
			c.env = append(c.env, "WINDROW_UCONTACT_TOKEN="+pushedPerson["token"], "WINDROW_PUSH_KEY="+pushedPerson["push key"], "WINDROW_LOG_LEVEL=debug", "WINDROW_RETRY_FOR=100ms")
			c.world.Set(func(o *vendorsim.Options) { o.UContact.Token = pushedPerson["token"] })
			stored := func() map[string]string { return nil }
			switch ledger {
			case "BigQuery":
				server := bigQueryServer(t)
				c.env = append(c.env, "WINDROW_PUSH_LEDGER=", "BIGQUERY_EMULATOR_HOST="+server.URL(), "WINDROW_SINK=bigquery://"+testProject+"/"+testDataset+"?location=EU")
				stored = func() map[string]string { return keptBy(t, server) }
			case "the sink":
				c.env = append(c.env, "WINDROW_PUSH_LEDGER=", "WINDROW_SINK="+filepath.Join(c.dir, "warehouse"))
			}
			row := func(number string) string {
				return number + "," + pushedPerson["name"] + ",\"" + pushedPerson["content"] + "\"," + pushedPerson["name"] + "\n"
			}
			c.write("numbers.csv", "clientIds,data.name,data.note,unmapped\n"+row(pushedPerson["number"])+row(pushedPerson["bad number"])+row(pushedPerson["second number"]))
			c.write("mails.csv", "clientId,content,data.name\n"+pushedPerson["e-mail"]+",\""+pushedPerson["content"]+"\","+pushedPerson["name"]+"\n")
			all := map[string]string{}
			say := func(what string, exit int, args ...string) {
				t.Helper()
				var out bytes.Buffer
				cmd := process(t, "windrow", c.dir, c.env, append([]string{"push"}, args...)...)
				cmd.Stdout, cmd.Stderr = &out, &out
				if got := exitCodeOf(t, cmd.Run()); got != exit {
					t.Errorf("%s: exit %d, want %d\n%s", what, got, exit, out.String())
				}
				all["the output of "+what] = out.String()
			}
			numbers := func(key string) []string {
				return []string{"lists", "--hub", "Ventas", "--hub-type", "telephony", "--name", key, "--from", "numbers.csv", "--batch", "1"}
			}
			mails := []string{"leads", "--hub", "Correo", "--hub-type", "email", "--key", "m", "--from", "mails.csv", "--json"}
			say("a dry run", 0, append(numbers("dry"), "--dry-run")...)
			for _, x := range []struct {
				says  string
				fault vendorsim.Fault
				exit  int
			}{
				{"a refusal", vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 400}, pipeline.ExitFailed},
				{"a refusal of the token", vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 401}, pipeline.ExitUnauthorized},
				{"being told to wait", vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 429, Header: http.Header{"Retry-After": {"9"}}}, pipeline.ExitFailed},
				{"a failure", vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 500}, pipeline.ExitUnknown},
				{"a redirect", vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: 302, Header: http.Header{"Location": {"https://x.example/?" + url.QueryEscape(pushedPerson["number"])}}}, pipeline.ExitUnknown},
				{"nonsense", vendorsim.Fault{Kind: vendorsim.FaultRaw, Body: "HTTP/1.1 " + echo()}, pipeline.ExitUnknown},
				{"an acceptance", vendorsim.Fault{Kind: vendorsim.FaultReplace, Effect: true}, 0},
			} {
				f := x.fault
				if f.Times = -1; f.Body == "" {
					f.Body = echo()
				}
				c.world.ClearFaults()
				c.world.Inject(f)
				say(x.says, x.exit, numbers(x.says)...)
				say(x.says+" of leads", x.exit, append(mails, "--key", x.says)...)
			}
			c.world.ClearFaults()
			say("the status", 0, "status")
			say("the status in JSON", 0, "status", "--json")
			say("the unknown batches", 0, "resolve")
			say("a push of what is unknown", pipeline.ExitUnknown, append(numbers("a failure"), "--json")...)

			files := warehousetest.Everything(t, c.dir)
			for name, text := range files {
				if base := filepath.Base(name); base != "numbers.csv" && base != "mails.csv" && !strings.Contains(base, ".rejected.csv") {
					all[name] = text
				} else if strings.Contains(base, ".rejected.csv") {
					if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
						t.Errorf("%s: %v %v", name, info.Mode(), err)
					}
				}
			}
			for name, text := range stored() {
				all["BigQuery's "+name] = text
			}
			for name, text := range all {
				if found := personalIn(text); len(found) > 0 {
					t.Errorf("%s holds %v\n%s", name, found, text)
				}
			}
			outside := func(name string) bool { return !strings.HasPrefix(name, "the output of") }
			if kept := warehousetest.Holding(all, plantedControl); !slices.ContainsFunc(kept, outside) {
				t.Errorf("the vendor's words are in no ledger, but in %q: the search sees nothing", kept)
			}
		})
	}
	if len(personalIn(echo())) < len(pushedPerson) {
		t.Errorf("in an echo are found only %v", personalIn(echo()))
	}
}
