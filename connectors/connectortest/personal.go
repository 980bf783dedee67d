package connectortest

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// StandIn is what the policy of [CheckPersonal] puts in the place of a personal value.
func StandIn(kind pipeline.Personal, value string) string {
	h := fnv.New64a()
	h.Write([]byte(value))
	return fmt.Sprintf("<%d:%x>", kind, h.Sum64())
}

// CheckPersonal proves that a mapping declares its personal data: none of the planted values leaves the format of the
// document once a policy replaces personal values, through no column, no extras, no reject. Each of them must leave it
// without a policy, else the document proves nothing. format makes the mapping's format for a policy.
//
// The answer is what was read with the policy. It has the same rows and rejects as without one.
func CheckPersonal(t *testing.T, format func(pipeline.Policy) pipeline.Format, table *pipeline.Table, m *pipeline.Meta, document string, planted ...string) Decoded {
	t.Helper()
	replacing := pipeline.Policy{Replace: func(dst, text []byte, kind pipeline.Personal, _ bool) ([]byte, bool) {
		return append(dst, StandIn(kind, string(text))...), true
	}}
	kept, err := Decode(t, format(pipeline.Policy{}), table, m, document)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(t, format(replacing), table, m, document)
	if err != nil {
		t.Fatal(err)
	}
	before, after := fmt.Sprintf("%v %v", kept.Rows, kept.Rejects), fmt.Sprintf("%v %v", got.Rows, got.Rejects)
	for _, value := range planted {
		if !strings.Contains(before, value) {
			t.Errorf("the document does not show %q", value)
		}
		if strings.Contains(after, value) {
			t.Errorf("%q leaves the format: %s", value, after)
		}
	}
	if len(got.Rows) != len(kept.Rows) || len(got.Rejects) != len(kept.Rejects) || fmt.Sprint(got.Times) != fmt.Sprint(kept.Times) {
		t.Errorf("with a policy there are %d rows and %d rejects, without one %d and %d", len(got.Rows), len(got.Rejects), len(kept.Rows), len(kept.Rejects))
	}
	checkCopy(t, format, table, m, document, planted...)
	return got
}
