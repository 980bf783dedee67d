package main

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/windrow-data/windrow/connectors/vendorsim"
)

// companies are a script's Dialpad companies, by their accounts.
type companies map[string]*vendorsim.World

type companiesKey struct{}

// companyCommands are those of scripts about several companies:
//
//	company ACCOUNT KEY   starts a Dialpad of its own, and sets the account's URL and token
//	posts ACCOUNT N       fails unless that company was asked for N reports
var companyCommands = map[string]func(*testscript.TestScript, bool, []string){
	"company": func(ts *testscript.TestScript, _ bool, args []string) {
		now, err := time.Parse(time.RFC3339, noon)
		ts.Check(err)
		world := quickWorld(now)
		world.Set(func(o *vendorsim.Options) { o.Dialpad.Token = args[1] })
		servers, err := world.Start(ts.Value(contextKey{}).(testing.TB).Context())
		ts.Check(err)
		ts.Defer(servers.Close)
		ts.Value(companiesKey{}).(companies)[args[0]] = world
		prefix := "WINDROW_DIALPAD_" + strings.ToUpper(strings.ReplaceAll(args[0], "-", "_"))
		ts.Setenv(prefix+"_URL", servers.DialpadURL)
		ts.Setenv(prefix+"_TOKEN", args[1])
	},
	"posts": func(ts *testscript.TestScript, _ bool, args []string) {
		got := ts.Value(companiesKey{}).(companies)[args[0]].Count("dialpad", http.MethodPost, "/api/v2/stats")
		if want, err := strconv.Atoi(args[1]); err != nil || got != want {
			ts.Fatalf("%d reports of %s, want %s", got, args[0], args[1])
		}
	},
}
