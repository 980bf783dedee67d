package connectortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// diffOf tells how one golden differs from another, line by line. Of a line that
// changed it lists the members that did.
func diffOf(want, got string) string {
	before, after := lines(want), lines(got)
	was, is := before, after
	var b strings.Builder
	for n := 1; len(was) > 0 || len(is) > 0; n++ {
		gone := len(was) > 0 && !slices.Contains(after, was[0])
		come := len(is) > 0 && !slices.Contains(before, is[0])
		switch {
		case gone && come:
			fmt.Fprintf(&b, "line %d\n%s", n, membersThatDiffer(was[0], is[0]))
			was, is = was[1:], is[1:]
		case gone:
			fmt.Fprintf(&b, "line %d is gone\n- %s\n", n, was[0])
			was = was[1:]
		case come:
			fmt.Fprintf(&b, "line %d is new\n+ %s\n", n, is[0])
			is = is[1:]
		case len(was) > 0 && len(is) > 0:
			if was[0] != is[0] {
				fmt.Fprintf(&b, "line %d stands elsewhere\n+ %s\n", n, is[0])
			}
			was, is = was[1:], is[1:]
		default: // a line occurs more often on one side
			fmt.Fprintf(&b, "%d lines, not %d\n", len(after), len(before))
			was, is = nil, nil
		}
	}
	return b.String()
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// membersThatDiffer lists what two objects do not have alike, by name.
func membersThatDiffer(was, is string) string {
	var a, b map[string]json.RawMessage
	if json.Unmarshal([]byte(was), &a) != nil || json.Unmarshal([]byte(is), &b) != nil {
		return "- " + was + "\n+ " + is + "\n"
	}
	names := map[string]bool{}
	for _, object := range []map[string]json.RawMessage{a, b} {
		for name := range object {
			names[name] = true
		}
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old, had := a[name]
		now, has := b[name]
		if had && has && string(old) == string(now) {
			continue
		}
		if had {
			fmt.Fprintf(&out, "- %s: %s\n", name, old)
		}
		if has {
			fmt.Fprintf(&out, "+ %s: %s\n", name, now)
		}
	}
	return out.String()
}
