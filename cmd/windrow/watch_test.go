package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
)

// listener is who is told of syncs: it notes what it is told, and answers as it was set.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	told   []string // path and the type or exit code of the body
	ids    []string
	bodies string
	answer int // 0: it hangs
}

func listen(t *testing.T) *listener {
	l := &listener{answer: http.StatusOK}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var of struct {
			Type string `json:"type"`
			Exit *int   `json:"exit"`
			Data struct {
				Stream string `json:"stream"`
			} `json:"data"`
		}
		_ = json.Unmarshal(body, &of)
		line := r.URL.String()
		if of.Exit != nil {
			line += fmt.Sprint(" exit ", *of.Exit)
		}
		if of.Type != "" {
			line += " " + of.Type + " " + of.Data.Stream
		}
		l.mu.Lock()
		l.told, l.bodies = append(l.told, line), l.bodies+string(body)
		if id := r.Header.Get("Webhook-Id"); id != "" && r.Header.Get("Webhook-Signature") == signed(id, r.Header.Get("Webhook-Timestamp"), body) {
			l.ids = append(l.ids, id)
		}
		answer := l.answer
		l.mu.Unlock()
		switch {
		case answer == 0:
			<-r.Context().Done()
		case answer/100 == 3:
			http.Redirect(w, r, "/elsewhere", answer)
		default:
			w.WriteHeader(answer)
		}
	}))
	t.Cleanup(l.Close)
	return l
}

const hookKey = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// signed is the signature that standard-webhooks wants of a message.
func signed(id, at string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(hookKey)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// heard is what was told since the last call.
func (l *listener) heard() (told, ids string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	told, ids = strings.Join(l.told, "\n"), strings.Join(l.ids, "\n")
	l.told, l.ids = nil, nil
	return told, ids
}

func (l *listener) set(answer int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = answer
}

// Whatever hangs, a last call ends: by itself, and a second after a signal at the latest.
func TestALastCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := lastCall(t.Context(), lookPatience)
		defer cancel()
		<-ctx.Done()
		if took := time.Since(began); took != lookPatience {
			t.Errorf("it took %s", took)
		}
		for name, after := range map[string]time.Duration{"before it": 0, "during it": 3 * time.Second} {
			began = time.Now()
			run, signal := context.WithCancel(t.Context())
			time.AfterFunc(after, signal)
			synctest.Wait()
			ctx, cancel := lastCall(run, lookPatience)
			<-ctx.Done()
			cancel()
			if took := time.Since(began); took != after+stopPatience {
				t.Errorf("a signal %s: it took %s", name, took)
			}
		}
	})
}

func TestASyncIsToldToAMonitorAndItsChangesToAWebhookWhateverTheyAnswer(t *testing.T) {
	t.Parallel()
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	world := quickWorld(now)
	servers, err := world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Close()
	l, dir := listen(t), t.TempDir()
	env := append(quickVariables(servers), "WINDROW_STREAMS=ucontact.agents,dialpad.texts", "WINDROW_LOG_LEVEL=debug",
		"WINDROW_PING="+l.URL+"/ping/hush9f3a?rid=hush9f3a", "WINDROW_WEBHOOK="+l.URL+"/hook/hush9f3a", "WINDROW_WEBHOOK_SECRET=whsec_"+hookKey)
	sync := func(code int, more ...string) (told, ids string) {
		t.Helper()
		began := time.Now()
		out, err := process(t, "windrow", dir, env, append([]string{"sync", "--as-of", noon}, more...)...).CombinedOutput()
		if got := exitCodeOf(t, err); got != code {
			t.Fatalf("exit code %d, want %d\n%s", got, code, out)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %s", took)
		}
		if strings.Contains(string(out), "hush9f3a") || strings.Contains(string(out), strings.TrimPrefix(l.URL, "http://")) || strings.Contains(string(out), "MfKQ9r8G") {
			t.Errorf("the output holds a secret:\n%s", out)
		}
		return l.heard()
	}
	const ping = "/ping/hush9f3a/start?rid=hush9f3a\n"
	end := func(code int) string { return fmt.Sprintf("/ping/hush9f3a/%d?rid=hush9f3a exit %d", code, code) }
	const hook = "/hook/hush9f3a stream."
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: it was told\n%s\nwant\n%s", what, got, want)
		}
	}

	told, _ := sync(2, "--from", "yesterday")
	expect("what cannot be carried out", told, ping+end(2))
	told, _ = sync(2, "--strems", "dialpad.texts")
	expect("a flag that does not exist", told, ping+end(2))
	told, _ = sync(2, "yesterday")
	expect("a word that is no flag", told, ping+end(2))
	told, _ = sync(2, "--as-of", "yesterday")
	expect("a moment that is none", told, ping+end(2))
	told, _ = sync(0, "--help")
	expect("help is no sync", told, "")
	told, _ = sync(0)
	expect("the first good run is no change", told, ping+end(0))
	world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultHTML, Times: -1})
	var first string
	for i, answer := range []int{0, http.StatusInternalServerError, http.StatusTemporaryRedirect} {
		l.set(answer)
		told, ids := sync(3, "--refetch")
		expect(fmt.Sprint("nobody takes the change: ", answer), told, ping+hook+"failed ucontact.agents\n"+end(3))
		if i > 0 && ids != first || ids == "" {
			t.Errorf("the change is told again under %q, first it was %q", ids, first)
		}
		first = ids
	}
	l.set(http.StatusOK)
	told, ids := sync(3)
	expect("somebody takes it", told, ping+hook+"failed ucontact.agents\n"+end(3))
	if ids != first {
		t.Errorf("the change is told again under %q, first it was %q", ids, first)
	}
	told, _ = sync(3)
	expect("the same state is no change", told, ping+end(3))
	world.ClearFaults()
	told, ids = sync(0)
	expect("it has recovered", told, ping+hook+"recovered ucontact.agents\n"+end(0))
	if ids == first {
		t.Error("another change has the same id")
	}
	usual := env
	env = append(slices.Clone(env), "WINDROW_MAX_LAG=1m")
	told, ids = sync(0, "--streams", "dialpad.texts")
	expect("all lag more, whatever the run was asked for", told, ping+hook+"late ucontact.agents\n"+hook+"late dialpad.texts\n"+end(0))
	if strings.Count(ids, "msg_") != 2 {
		t.Errorf("two changes have the ids %q", ids)
	}
	told, _ = sync(0)
	expect("they still do", told, ping+end(0))
	env = usual
	told, _ = sync(0)
	expect("36h are the limit again", told, ping+hook+"recovered ucontact.agents\n"+hook+"recovered dialpad.texts\n"+end(0))
	l.Close()
	sync(0)
	if l.mu.Lock(); strings.Contains(l.bodies, "<html") || strings.Contains(l.bodies, "Agent1") {
		t.Errorf("a vendor's words were told: %s", l.bodies)
	}
	l.mu.Unlock()
	leaves(t, dir, []string{"hush9f3a", "MfKQ9r8G"}, "")
}
