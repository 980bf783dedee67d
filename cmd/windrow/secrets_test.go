package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/warehousetest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
)

// Promise 13, from outside: whatever happens, no secret is in what the program
// says or in what it leaves on the disk, compressed or not.
func TestPromise13_NoSecretIsInAnyOutput(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	const uKey, cName, cPassword, dKey = "u-9f3ahush-key", "reports-9f3ahush", "c 9f3ahush password", "d-9f3ahush-key"
	secrets := []string{uKey, cPassword, dKey, "Signature="} // the last is of signed download links
	echo := func(host, body string) vendorsim.Fault {
		return vendorsim.Fault{Host: host, Kind: vendorsim.FaultStatus, Code: http.StatusBadRequest, Times: -1, Body: "bad request: " + body}
	}
	o := vendorsim.Options{
		Seed: 3, CallsPerDay: 20, TextsPerDay: 10,
		UContact:  vendorsim.UContactOptions{Token: uKey},
		ChatTonic: vendorsim.ChatTonicOptions{Username: cName, Password: cPassword},
		Dialpad:   vendorsim.DialpadOptions{Token: dKey},
	}
	for _, c := range []struct {
		name   string
		faults []vendorsim.Fault
		env    []string
		args   []string
	}{
		{"a sync that goes well", nil, nil, []string{"sync"}},
		{"a sync whose credentials are refused", []vendorsim.Fault{{Kind: vendorsim.FaultStatus, Code: http.StatusUnauthorized, Times: -1}}, nil, []string{"sync"}},
		{"vendors that echo what they were sent", []vendorsim.Fault{
			echo("ucontact", "Authorization: Bearer "+uKey), echo("dialpad", "key "+dKey+" is bad"),
			echo("chattonic", `{"username":"`+cName+`","password":"`+cPassword+`"}`),
		}, nil, []string{"sync", "--json"}},
		{"a sync on Cloud Run whose vendors echo what they were sent", []vendorsim.Fault{
			echo("ucontact", "Authorization: Bearer "+uKey), echo("dialpad", "key "+dKey+" is bad"),
		}, onCloudRun, []string{"sync"}},
		{"a configuration that is wrong on Cloud Run", nil, append([]string{"WINDROW_DIALPAD_US_TOKEN=" + dKey, "WINDROW_CHATTONIC_URL=http://user:" + dKey + "@host"}, onCloudRun...), []string{"sync"}},
		{"downloads that fail", []vendorsim.Fault{{Host: "download", Kind: vendorsim.FaultStatus, Code: http.StatusForbidden, Times: -1}}, nil, []string{"sync"}},
		{"downloads that break off", []vendorsim.Fault{{Host: "download", Kind: vendorsim.FaultReset, Times: -1}}, nil, []string{"sync"}},
		{"a check that goes well", nil, nil, []string{"check"}},
		{"a check that fails", []vendorsim.Fault{{Kind: vendorsim.FaultHTML, Times: -1}}, nil, []string{"check"}},
		{"hosts that nobody answers for", nil, []string{"WINDROW_UCONTACT_URL=http://127.0.0.1:1", "WINDROW_DIALPAD_URL=http://127.0.0.1:1/api/v2"}, []string{"check"}},
		{"a configuration that is wrong", nil, []string{"WINDROW_UCONTACT_TIMEZONE=Mars", "WINDROW_DIALPAD_US_TOKEN=" + dKey, "WINDROW_CHATTONIC_URL=http://user:" + dKey + "@host"}, []string{"sync"}},
		{"status", nil, nil, []string{"status"}},
		{"plan", nil, nil, []string{"plan", "--json"}},
		{"streams", nil, nil, []string{"streams"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
			world, servers := vendorsWithFaults(t, o, now, c.faults)
			dir := t.TempDir()
			env := append(quickVariables(servers), "WINDROW_LOG_LEVEL=debug")
			said, _ := process(t, "windrow", dir, append(env, c.env...), append(c.args, "--as-of", noon)...).CombinedOutput()
			if len(said) == 0 {
				t.Fatal("the program said nothing")
			}
			secrets := append(sentTokens(world), secrets...)
			for _, s := range secrets {
				if i := strings.Index(string(said), s); i >= 0 {
					t.Errorf("the output holds %q: …%s…", s, said[max(0, i-80):min(len(said), i+80)])
				}
			}
			control := ""
			if len(c.faults)+len(c.env) == 0 && c.args[0] == "sync" {
				control = "Agent1" // of a row
			}
			leaves(t, dir, secrets, control)
		})
	}
}

// sentTokens are the credentials that the program showed the vendors, those of
// a login among them.
func sentTokens(world *vendorsim.World) []string {
	var tokens []string
	for _, call := range world.Log() {
		if token := strings.TrimPrefix(call.Header.Get("Authorization"), "Bearer "); token != "" && !slices.Contains(tokens, token) {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// leaves looks for secrets in every file under dir, also in what is compressed. control is what must be found in there:
// else the search sees nothing.
func leaves(t *testing.T, dir string, secrets []string, control string) {
	t.Helper()
	all := warehousetest.Everything(t, dir)
	for _, s := range secrets {
		for _, name := range warehousetest.Holding(all, s) {
			t.Errorf("%s holds %q", name, s)
		}
	}
	found := warehousetest.Holding(all, control)
	if control != "" && !slices.ContainsFunc(found, func(name string) bool { return strings.HasSuffix(name, warehousetest.Inside) }) {
		t.Errorf("%q is found in no compressed file of %d, but in %q", control, len(all), found)
	}
}

// vendorsWithFaults starts simulated vendors at a moment, which then go wrong.
func vendorsWithFaults(t *testing.T, o vendorsim.Options, now time.Time, faults []vendorsim.Fault) (*vendorsim.World, *vendorsim.Running) {
	t.Helper()
	world := vendorsim.New(o)
	world.SetNow(now)
	servers, err := world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	for _, f := range faults {
		world.Inject(f)
	}
	return world, servers
}
