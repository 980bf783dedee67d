package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/killtest"
	"github.com/windrow-data/windrow/cmd/windrow/internal/warehousetest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/testdata"
)

// What vendors say of people where no mapping expects it.
const (
	plantedPerson = "Zoraida Quintanilla"
	plantedNumber = "+5989155500177"
	plantedEmail  = "zoraida.q@clients.example"
	plantedSaying = "the parcel never came, says she"
	plantedPeople = plantedPerson + " " + plantedNumber + " " + plantedEmail + " " + plantedSaying
)

// people finds the numbers and addresses that the simulated vendors give people.
var people = regexp.MustCompile(`\+\d{10,14}\b|[A-Za-z0-9._'-]+@[a-z-]+\.example\b`)

// gossip are the faults by which the vendors tell of people in every place that a program may quote from.
func gossip() map[string][]vendorsim.Fault {
	texts := testdata.Header("dialpad/texts/vendor.csv")
	good := strings.Repeat("2025-09-08 10:00:00,1,m,e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n", 99)
	return map[string][]vendorsim.Fault{
		"nothing": nil,
		"errors": {
			refusing("ucontact", "", `{"error":"`+plantedPeople+`"}`, http.StatusBadRequest, nil),
			refusing("chattonic", operatorsPath, `<html><title>`+plantedPeople+`</title></html>`, http.StatusBadRequest, nil),
			refusing("dialpad", "", plantedPeople, http.StatusBadRequest, nil),
		},
		"words in answers": {
			answering("ucontact", "", `{"error":"`+plantedPeople+`"}`),
			answering("chattonic", operatorsPath, `{"status":false,"message":"`+plantedPeople+`"}`),
			answering("download", "", texts+"\r\n"+good+"Error: "+plantedPeople),
		},
		"other documents": {
			answering("ucontact", "", plantedPeople),
			answering("chattonic", operatorsPath, `<html><title>`+plantedPeople+`</title></html>`),
			answering("download", "", `{"message":"`+plantedPeople+`"}`),
		},
		"a row where the header was": {answering("download", "", plantedPerson+","+plantedNumber+","+plantedEmail+","+plantedSaying+"\r\n")},
		"names of fields": {
			answering("download", "", texts+","+plantedNumber+","+plantedEmail+"\r\n"+strings.ReplaceAll(good, "\r\n", ",1,2\r\n")),
			answering("ucontact", "", `[{"date":"Sep 8, 2025, 10:00:00 AM","resource":"Agent1","inInteractions":1,"`+plantedNumber+`":1,"by":{"`+plantedEmail+`":{"`+plantedNumber+`":2}}},`+
				`{"date":"Sep 8, 2025, 11:00:00 AM","inInteractions":1,"`+plantedEmail+`":1}]`),
			answering("chattonic", operatorsPath, `{"status":true,"`+plantedNumber+`":3,"operators":[{"_id":"1","queriesResolved":1,"`+plantedEmail+`":{"`+plantedNumber+`":3}}]}`),
		},
		"rejects and fields that nobody knows": {
			answering("download", "", texts+",mood\r\n"+strings.ReplaceAll(good, "\r\n", ","+plantedSaying+"\r\n")+
				plantedPerson+","+plantedNumber+","+plantedEmail+",e,user,1,1,internal,+1,+2,,"+plantedSaying+",,America/Chicago,x\r\n"),
			answering("ucontact", "", `[{"date":"2025-09-08 10:00:00","resource":"Agent1","inInteractions":1,"friend":{"who":["`+plantedPerson+`","`+plantedNumber+`"]}},`+
				`{"date":"`+plantedSaying+`","resource":"Agent1"}]`),
			answering("chattonic", operatorsPath, `{"status":true,"operators":[{"_id":"1","name":{"givenName":"`+plantedPerson+`"},"queriesResolved":1,"mail":"`+plantedEmail+`"}]}`),
		},
	}
}

// gossipingInbox is a folder with exports that tell of people in every place that a program may quote from.
func gossipingInbox(t *testing.T) string {
	t.Helper()
	dir, saying := t.TempDir(), `"`+plantedSaying+`"`
	for name, text := range map[string]string{
		"nps.csv": "Fecha,Usuario,Puntuación,Comentario,Correo\n" +
			"2025-09-08 10:00:00," + plantedPerson + ",9," + saying + "," + plantedEmail + "\n" +
			"2025-09-09 10:00:00," + plantedPerson + "," + plantedNumber + "," + saying + "," + plantedEmail + "\n" +
			plantedNumber + "," + plantedPerson + ",9," + saying + "," + plantedEmail + "\n",
		"header.csv":   plantedPerson + "," + plantedNumber + "," + plantedEmail + "," + saying + "\n",
		"notdates.csv": "Fecha,Puntuación,Comentario\n" + plantedPerson + ",9," + saying + "\n",
		"page.csv":     "<html><title>" + plantedPeople + "</title></html>",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestNothingPersonalIsKeptOrToldUnderHashAndDrop: of all that a run leaves, inside of Parquet files too, and of all that it
// says, nothing names a person, whatever vendors send and wherever they send it.
func TestNothingPersonalIsKeptOrToldUnderHashAndDrop(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, faults []vendorsim.Fault, bigQuery bool, settings ...string) map[string]string {
		o := vendorsim.Options{Seed: 3, CallsPerDay: 20, TextsPerDay: 10}
		o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
		_, servers := vendorsWithFaults(t, o, now, faults)
		dir := t.TempDir()
		env := append(quickVariables(servers), "WINDROW_LOG_LEVEL=debug", "WINDROW_MAX_REJECTS=0.5", "WINDROW_STREAMS=default,dialpad.screenshare")
		env = append(env, settings...)
		env = append(env, "WINDROW_CHATTONIC_NPS_FROM="+gossipingInbox(t), "WINDROW_CHATTONIC_NPS_COLUMNS=score=Puntuación,date=Fecha,text=Comentario")
		kept := func() map[string]string { return warehousetest.Everything(t, dir) }
		if bigQuery {
			server := bigQueryServer(t)
			env = append(env, "BIGQUERY_EMULATOR_HOST="+server.URL(), "WINDROW_SINK=bigquery://"+testProject+"/"+testDataset+"?location=EU", "WINDROW_ARCHIVE=kept")
			kept = func() map[string]string {
				both := warehousetest.Everything(t, dir)
				if len(both) == 0 {
					t.Error("no answer was kept")
				}
				maps.Copy(both, keptBy(t, server))
				return both
			}
		}
		all := map[string]string{}
		for _, verb := range []string{"sync", "sync --json --refetch", "status --json", "plan", "rejects --json", "history --json", "runs --json", "verify --deep", "check", "replay --json", "report --reasons -o -", "report --json"} {
			out, _ := process(t, "windrow", dir, env, append(strings.Fields(verb), "--as-of", noon)...).CombinedOutput()
			all["the output of "+verb] = string(out)
		}
		for name, text := range kept() {
			all[name] = text
		}
		return all
	}
	t.Run("the values are there where they are kept", func(t *testing.T) {
		t.Parallel()
		all := run(t, gossip()["rejects and fields that nobody knows"], false)
		if !strings.Contains(all["the output of status --json"], "no date that can be read") || len(warehousetest.Holding(all, "stream=chattonic.nps")) == 0 {
			t.Error("the inbox was not read")
		}
		for _, planted := range []string{plantedPerson, plantedNumber, plantedEmail, plantedSaying} {
			if len(warehousetest.Holding(all, planted)) == 0 {
				t.Errorf("%q is nowhere: the search sees nothing", planted)
			}
		}
		all = run(t, nil, false)
		found := map[string]bool{}
		for _, text := range all {
			for _, one := range people.FindAllString(text, -1) {
				found[one] = true
			}
		}
		if len(found) < 40 {
			t.Errorf("%d numbers and addresses are found: the search sees nothing", len(found))
		}
	})
	secret := "WINDROW_PII_KEY=a key of thirty-two bytes or more"
	for name, faults := range gossip() {
		for mode, settings := range map[string][]string{
			"hash": {"WINDROW_PII=hash", secret, "WINDROW_PII_COUNTRY=US", "WINDROW_PII_NAMES=true"},
			"drop": {"WINDROW_PII=drop", secret, "WINDROW_PII_NAMES=true"},
		} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				all := run(t, faults, mode == "hash" && name != "errors", settings...)
				unwanted := []string{plantedPerson, plantedNumber, plantedEmail, plantedSaying, "a key of thirty-two", "su pedido"}
				for _, u := range vendorsim.Users() {
					unwanted = append(unwanted, strings.TrimSpace(u.Name), u.Email, u.Number)
				}
				for where, text := range all {
					for _, one := range unwanted {
						if i := strings.Index(text, one); i >= 0 {
							t.Errorf("%s holds %q: …%s…", where, one, text[max(0, i-200):min(len(text), i+100)])
						}
					}
					for _, one := range people.FindAllString(text, -1) {
						if strings.Trim(one, "+9") != "" { // else a shape
							t.Errorf("%s holds %q", where, one)
							break
						}
					}
				}
			})
		}
	}
}

// TestOnePersonHasOneHashInEveryVendor: in the rows of all three and in what the archive has of them, however each writes it.
func TestOnePersonHasOneHashInEveryVendor(t *testing.T) {
	t.Parallel()
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	texts := testdata.Header("dialpad/texts/vendor.csv")
	_, servers := vendorsWithFaults(t, vendorsim.Options{Seed: 3}, now, []vendorsim.Fault{
		answering("ucontact", "", `[{"date":"Sep 8, 2025, 10:00:00 AM","resource":"Agent1","inInteractions":1,"friend":{"who":["Ana Lo\u0301pez ","+598-91-234-567","ANA@Clients.example"]}}]`),
		answering("chattonic", operatorsPath, `{"status":true,"operators":[{"_id":"1","name":"Ana L\u00f3pez","queriesResolved":1,"mail":"ana@clients.example","tel":"+598 91 234 567"}]}`),
		answering("download", "", texts+"\r\n2025-09-08 10:00:00,1,Ana L\u00f3pez,Ana@clients.example,user,1,1,internal,59891234567,,,hi,,America/Chicago\r\n"),
	})
	const key = "a key of thirty-two bytes or more"
	dir := t.TempDir()
	env := append(quickVariables(servers), "WINDROW_PII=hash", "WINDROW_PII_KEY="+key, "WINDROW_PII_NAMES=true", "WINDROW_FROM=2025-09-08")
	out, err := process(t, "windrow", dir, env, "sync", "--as-of", noon, "--to", "2025-09-08", "--streams", "ucontact.agents,chattonic.operators,dialpad.texts").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := warehousetest.Everything(t, filepath.Join(dir, "warehouse"))
	for _, person := range []string{"Ana L\u00f3pez", "+59891234567", "ana@clients.example"} {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(person))
		hash := hex.EncodeToString(mac.Sum(nil))[:32]
		for _, stream := range []string{"ucontact.agents", "chattonic.operators", "dialpad.texts"} {
			var rows, kept bool
			for _, name := range warehousetest.Holding(all, hash) {
				if strings.Contains(name, "stream="+stream+"/") {
					archived := strings.Contains(name, "/raw/")
					rows, kept = rows || !archived, kept || archived
				}
			}
			if !rows || !kept {
				t.Errorf("%s: the hash of %s is in its rows: %v, in the archive: %v", stream, person, rows, kept)
			}
		}
	}
}

// toldOf counts the people of whom files beneath a folder tell.
func toldOf(t *testing.T, dir string) (n int) {
	t.Helper()
	for _, text := range warehousetest.Everything(t, dir) {
		for _, one := range people.FindAllString(text, -1) {
			if strings.Trim(one, "+9") != "" {
				n++
			}
		}
		for _, u := range vendorsim.Users() {
			n += strings.Count(text, strings.TrimSpace(u.Name))
		}
	}
	return n
}

// TestAReplayThatIsKilledWhileItRedactsIsCompletedByTheNext: wherever it was, no answer is lost, and the next replay leaves
// nothing of people in the archive.
func TestAReplayThatIsKilledWhileItRedactsIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	o := vendorsim.Options{Seed: 3, CallsPerDay: 20, TextsPerDay: 10}
	o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
	_, servers := vendorsWithFaults(t, o, now, nil)
	first := t.TempDir()
	run := func(program, dir string, settings []string, args ...string) (string, error) {
		out, err := process(t, program, dir, append(quickVariables(servers), settings...), append(args, "--as-of", noon)...).CombinedOutput()
		return string(out), err
	}
	if out, err := run("windrow", first, nil, "sync", "--streams", "ucontact.agents,dialpad.texts,chattonic.operators"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hashed := []string{"WINDROW_PII=hash", "WINDROW_PII_KEY=a key of thirty-two bytes or more", "WINDROW_PII_NAMES=true"}
	for _, point := range []string{"archive.described#1", "archive.redacted#1", "archive.described#4", "archive.redacted#4"} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(first)); err != nil {
			t.Fatal(err)
		}
		raw := filepath.Join(dir, "warehouse", "raw")
		if out, err := run("mortal", dir, append(hashed, mortalAt+"="+point), "replay"); !killtest.Killed(err) {
			t.Fatalf("%s: the replay was not killed: %v\n%s", point, err, out)
		}
		if toldOf(t, raw) < 20 {
			t.Errorf("%s: the kill came too late", point)
		}
		for _, what := range []string{"goes on", "is made again of the copies"} {
			out, err := run("windrow", dir, hashed, "replay", "--json")
			var replayed pipeline.Summary
			if at := strings.Index(out, "{\n"); err != nil || at < 0 || json.Unmarshal([]byte(out[at:]), &replayed) != nil || len(replayed.Streams) != 3 {
				t.Fatalf("%s: what %s: %v\n%s", point, what, err, out)
			}
			for _, of := range replayed.Streams {
				if of.Failed != 0 || of.Committed+of.Unchanged != 3 || what != "goes on" && of.Committed != 0 {
					t.Errorf("%s: what %s: %+v", point, what, of)
				}
			}
		}
		if n := toldOf(t, filepath.Join(dir, "warehouse")); n > 0 {
			t.Errorf("%s: what is left tells %d times of people", point, n)
		}
	}
}

// TestReplayRedactsWhatWasKeptInTheClear: after the mode was changed a replay changes the rows and the archive, and leaves
// nothing that the sync had kept of people in the archive.
func TestReplayRedactsWhatWasKeptInTheClear(t *testing.T) {
	t.Parallel()
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	o := vendorsim.Options{Seed: 3, CallsPerDay: 20, TextsPerDay: 10}
	o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
	_, servers := vendorsWithFaults(t, o, now, nil)
	dir := t.TempDir()
	env := quickVariables(servers)
	run := func(args ...string) {
		t.Helper()
		if out, err := process(t, "windrow", dir, env, append(args, "--as-of", noon)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	told := func() int { return toldOf(t, filepath.Join(dir, "warehouse", "raw")) }
	run("sync")
	if told() < 40 {
		t.Fatalf("%d people are in the archive: the search sees nothing", told())
	}
	env = append(env, "WINDROW_PII=hash", "WINDROW_PII_KEY=a key of thirty-two bytes or more", "WINDROW_PII_NAMES=true")
	run("replay")
	if n := told(); n > 0 {
		t.Errorf("the archive tells %d times of people", n)
	}
	run("verify", "--deep")
	run("replay") // of the copies
}

// TestReplayUnderHashAndDrop: what was redacted on its way into the archive becomes the same rows again, and is not made
// anything else.
func TestReplayUnderHashAndDrop(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	const key, other = "WINDROW_PII_KEY=a key of thirty-two bytes or more", "WINDROW_PII_KEY=another key of thirty-two bytes or more"
	for mode, settings := range map[string][]string{
		"hash":  {"WINDROW_PII=hash", key},
		"names": {"WINDROW_PII=hash", key, "WINDROW_PII_NAMES=true"},
		"drop":  {"WINDROW_PII=drop"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			o := vendorsim.Options{Seed: 3, CallsPerDay: 20, TextsPerDay: 10}
			o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
			_, servers := vendorsWithFaults(t, o, now, nil)
			dir := t.TempDir()
			run := func(settings []string, args ...string) (string, int) {
				cmd := process(t, "windrow", dir, append(quickVariables(servers), settings...), append(args, "--as-of", noon)...)
				out, _ := cmd.CombinedOutput()
				return string(out), cmd.ProcessState.ExitCode()
			}
			if out, code := run(settings, "sync"); code != 0 {
				t.Fatalf("sync exits with %d:\n%s", code, out)
			}
			out, code := run(settings, "replay", "--json")
			var replayed pipeline.Summary
			if err := json.Unmarshal([]byte(out[strings.Index(out, "{\n"):]), &replayed); err != nil || code != 0 || len(replayed.Streams) < 5 {
				t.Fatalf("replay exits with %d, %v:\n%s", code, err, out)
			}
			for _, of := range replayed.Streams {
				if of.Committed != 0 || of.Failed != 0 || of.Unchanged == 0 {
					t.Errorf("%s became something else: %+v", of.Stream, of)
				}
			}
			defer func() { // what is hashed can still be left out: as if it had been read so
				if mode == "drop" || t.Failed() {
					return
				}
				dropped := append(slices.Clone(settings), "WINDROW_PII=drop")
				if out, code := run(dropped, "replay"); code != 0 || !strings.Contains(out, "replaced by redacted copies") {
					t.Errorf("replay under drop exits with %d:\n%s", code, out)
				}
				if out, code := run(dropped, "sync", "--refetch"); code != 0 || !regexp.MustCompile(`(?m)^total +0 +[1-9]`).MatchString(out) {
					t.Errorf("a sync under drop has other rows, exit %d:\n%s", code, out)
				}
				if out, code := run(settings, "replay"); code != 3 {
					t.Errorf("what is dropped was hashed, exit %d:\n%s", code, out)
				}
			}()
			for _, wanted := range [][]string{{"WINDROW_PII=keep"}, {"WINDROW_PII=hash", other}} {
				if out, code := run(wanted, "replay"); code != 3 || !strings.Contains(out, "--refetch") {
					t.Errorf("replay under %s exits with %d:\n%s", wanted, code, out)
				}
			}
		})
	}
}
