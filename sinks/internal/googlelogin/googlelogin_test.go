package googlelogin

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestTheRemedyFitsWhatIsWrongWithTheCredentials(t *testing.T) {
	_, missing := os.ReadFile("/nowhere/key.json")
	broken := json.Unmarshal([]byte(`{"type":`), &struct{}{})
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"a file that is not there", missing, "GOOGLE_APPLICATION_CREDENTIALS names /nowhere/key.json, which cannot be read: correct the path"},
		{"a file that is no JSON", broken, "is no key of a service account"},
		{"none", os.ErrPermission, "log in"},
	} {
		if got := Remedy(fmt.Errorf("constructing client: %w", c.err), "log in"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
