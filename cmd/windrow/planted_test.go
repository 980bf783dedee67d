package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/warehousetest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/testdata"
)

// What vendors plant: their own credentials and a signed link; and a word beside them that is no secret.
const (
	plantedKey      = "u-key-51d0planted77aa"
	plantedPassword = "c-password-51d0planted77bb"
	plantedToken    = "d-key-51d0planted77cc"
	plantedLink     = "https://bucket.example.com/f.csv?X-Goog-Signature=51d0planted77dd"
	plantedMark     = "51d0planted77" // is in all of them
	plantedControl  = "no-secret-9e1b"
)

// planting are the faults by which every vendor plants its secrets in one place.
type planting struct {
	place  string
	faults []vendorsim.Fault
	found  bool // the control has to be found
}

// answering is an answer of a vendor's data to every request.
func answering(host, path, body string) vendorsim.Fault {
	return vendorsim.Fault{Host: host, Path: path, Kind: vendorsim.FaultReplace, Times: -1, Body: body}
}

// refusing is an answer with that status to every request for data.
func refusing(host, path, body string, code int, header http.Header) vendorsim.Fault {
	return vendorsim.Fault{Host: host, Path: path, Kind: vendorsim.FaultStatus, Code: code, Times: -1, Body: body, Header: header}
}

const operatorsPath = "/api/v1/acme/stats/operator"

func plantings() []planting {
	texts := testdata.Header("dialpad/texts/vendor.csv")
	good := strings.Repeat("2025-09-08 10:00:00,1,m,e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n", 99)
	everywhere := func(code int, body string, header func(secret string) http.Header) (faults []vendorsim.Fault) {
		for host, secret := range map[string]string{"ucontact": plantedKey, "chattonic": plantedPassword, "dialpad": plantedToken, "download": plantedToken} {
			path := ""
			if host == "chattonic" {
				path = operatorsPath // a login has to go well
			}
			faults = append(faults, refusing(host, path, strings.ReplaceAll(body, "SECRET", secret), code, header(secret)))
		}
		return faults
	}
	none := func(string) http.Header { return nil }
	return []planting{
		{"the name of a member", []vendorsim.Fault{
			answering("ucontact", "", `[{"`+plantedControl+`":1,"`+plantedKey+`":2}]`),
			answering("chattonic", operatorsPath, `{"`+plantedControl+`":1,"`+plantedPassword+`":2,"`+plantedLink+`":3}`),
			answering("dialpad", "", `{"`+plantedControl+`":1,"`+plantedToken+`":2}`),
		}, true},
		{"an envelope's error", []vendorsim.Fault{
			answering("ucontact", "", `{"error":"`+plantedControl+` `+plantedKey+` `+plantedLink+`"}`),
			answering("chattonic", operatorsPath, `{"status":false,"message":"`+plantedControl+` `+plantedPassword+` `+plantedLink+`"}`),
			answering("dialpad", "", `{"error":"`+plantedControl+` `+plantedToken+` `+plantedLink+`"}`),
		}, true},
		{"the text of an error", everywhere(http.StatusBadRequest, plantedControl+" Bearer SECRET and "+plantedLink, none), true},
		{"the header of a CSV", []vendorsim.Fault{answering("download", "", plantedControl+","+plantedToken+",\""+plantedLink+"\"\r\n1,2,3\r\n")}, false},
		{"a rejected row", []vendorsim.Fault{
			answering("download", "", texts+"\r\n"+good+plantedControl+","+plantedToken+",n,e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n"),
			answering("ucontact", "", `[{"date":"`+plantedControl+` `+plantedKey+`","resource":"Agent1"}]`),
			answering("chattonic", operatorsPath, `{"status":true,"operators":[{"_id":null,"name":"`+plantedControl+` `+plantedPassword+`"}]}`),
		}, true},
		{"a redirect", everywhere(http.StatusFound, plantedControl, func(secret string) http.Header {
			return http.Header{"Location": {"ftp://" + secret + "@elsewhere.example.com/" + secret + "?X-Goog-Signature=" + plantedMark}}
		}), false},
		{"a cookie", everywhere(http.StatusBadRequest, plantedControl, func(secret string) http.Header {
			return http.Header{"Set-Cookie": {"session=" + secret + "; Path=/"}, "Www-Authenticate": {"Bearer " + secret}, "X-Debug": {plantedLink}}
		}), true},
	}
}

// Promise 13 against vendors that tell what they know: nothing of it is in what the program says, or in what it keeps.
func TestPromise13_WhatVendorsPlantIsNowhere(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, sink := range []string{"parquet", "bigquery"} {
		for _, p := range plantings() {
			t.Run(sink+"/"+p.place, func(t *testing.T) {
				t.Parallel()
				o := vendorsim.Options{
					Seed: 3, CallsPerDay: 20, TextsPerDay: 10, UContact: vendorsim.UContactOptions{Token: plantedKey},
					ChatTonic: vendorsim.ChatTonicOptions{Password: plantedPassword}, Dialpad: vendorsim.DialpadOptions{Token: plantedToken},
				}
				o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
				_, servers := vendorsWithFaults(t, o, now, p.faults)
				dir := t.TempDir()
				env := append(quickVariables(servers), "WINDROW_LOG_LEVEL=debug", "WINDROW_MAX_REJECTS=0.02", "WINDROW_FROM=2025-09-08",
					"WINDROW_STREAMS=ucontact.agents,chattonic.operators,dialpad.texts")
				kept := func() map[string]string { return warehousetest.Everything(t, dir) }
				if sink == "bigquery" {
					server := bigQueryServer(t)
					env = append(env, "BIGQUERY_EMULATOR_HOST="+server.URL(), "WINDROW_SINK=bigquery://"+testProject+"/"+testDataset+"?location=EU")
					kept = func() map[string]string { return keptBy(t, server) }
				}
				said, _ := process(t, "windrow", dir, env, "sync", "--as-of", noon).CombinedOutput()
				asJSON, _ := process(t, "windrow", dir, env, "sync", "--as-of", noon, "--json", "--refetch").CombinedOutput()
				page, err := process(t, "windrow", dir, env, "report", "--as-of", noon, "-o", "-").Output()
				model, err2 := process(t, "windrow", dir, env, "report", "--as-of", noon, "--json").Output()
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				for _, text := range []string{string(page), string(model)} { // a vendor's words, secret or not, and the machine's places
					if strings.Contains(text, plantedControl) || strings.Contains(text, dir) || strings.Contains(text, "127.0.0.1") || !strings.Contains(text, "ucontact.agents") {
						t.Errorf("the report holds what it should not:\n%s", text)
					}
				}
				all := kept()
				all["the page"], all["the model"] = string(page), string(model)
				all["the first output"], all["the second output"] = string(said), string(asJSON)
				plantedNowhere(t, all, p.found)
			})
		}
	}
}

// plantedNowhere fails where a secret is found, or the control is not.
func plantedNowhere(t *testing.T, all map[string]string, control bool) {
	t.Helper()
	for _, name := range warehousetest.Holding(all, plantedMark) {
		i := strings.Index(all[name], plantedMark)
		t.Errorf("%s holds …%s…", name, all[name][max(0, i-120):min(len(all[name]), i+60)])
	}
	if found := warehousetest.Holding(all, plantedControl); control && len(found) == 0 {
		t.Errorf("the control is nowhere: the search sees nothing\n%s", all["the first output"])
	}
}

// bigQueryServer is a BigQuery until the test ends.
func bigQueryServer(t *testing.T) *bigquerytest.Server {
	t.Helper()
	server, err := bigquerytest.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// keptBy is all that a BigQuery has been told: its tables' rows and its jobs' statements.
func keptBy(t *testing.T, server *bigquerytest.Server) map[string]string {
	t.Helper()
	all := map[string]string{}
	schema := testProject + "." + testDataset
	tables, err := server.QueryDuckDB(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = '"+schema+"'")
	if err != nil || len(tables) == 0 {
		t.Fatalf("%d tables: %v", len(tables), err)
	}
	for _, row := range tables {
		name := fmt.Sprint(row[0])
		rows, err := server.QueryDuckDB(t.Context(), fmt.Sprintf(`SELECT to_json(t)::VARCHAR FROM "%s"."%s" t`, schema, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = fmt.Sprint(rows)
	}
	for _, j := range server.Jobs() {
		all[j.ID] = j.SQL
	}
	return all
}
