package main

import (
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/windrow-data/windrow/connectors/vendorsim/postoffice"
)

type officeKey struct{}

// mailboxCommands are those of scripts about a mailbox:
//
//	mailbox        opens one on loopback, with TLS, and points windrow at it
//	mail FILE      delivers a mail to it, dated as the vendors' clock
//	asked N        fails unless Chat-Tonic was asked for N exports
var mailboxCommands = map[string]func(*testscript.TestScript, bool, []string){
	"mailbox": func(ts *testscript.TestScript, _ bool, _ []string) {
		o, err := postoffice.Open("NPS")
		ts.Check(err)
		ts.Defer(o.Close)
		*ts.Value(officeKey{}).(**postoffice.Office) = o
		ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), o.Certificate(), 0o600))
		ts.Setenv("SSL_CERT_FILE", ts.MkAbs("ca.pem"))
		ts.Setenv("WINDROW_CHATTONIC_NPS_FROM", "imaps://"+postoffice.User+"@"+o.Secure+"/NPS")
		ts.Setenv("WINDROW_CHATTONIC_NPS_PASSWORD", postoffice.Password)
	},
	"mail": func(ts *testscript.TestScript, _ bool, args []string) {
		at, err := time.Parse(time.RFC3339, noon)
		ts.Check(err)
		ts.Check((*ts.Value(officeKey{}).(**postoffice.Office)).Deliver("NPS", []byte(ts.ReadFile(args[0])), at))
	},
	"asked": func(ts *testscript.TestScript, _ bool, args []string) {
		got := 0
		for _, code := range []string{"acme", "demo"} {
			got += ts.Value(worldKey{}).(*simulation).world.Count("chattonic", http.MethodGet, "/api/v1/"+code+"/stats/nps/export")
		}
		if want, err := strconv.Atoi(args[0]); err != nil || got != want {
			ts.Fatalf("asked %d times, want %s", got, args[0])
		}
	},
}
