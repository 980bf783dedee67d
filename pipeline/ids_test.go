package pipeline

import "testing"

func TestOwnersContradictEachOtherInWhatBothTell(t *testing.T) {
	for _, c := range []struct {
		a, b   Owner
		differ bool
		both   Owner // what both say, asked of a
	}{
		{"", "a.example", false, "a.example"},
		{"a.example", "", false, "a.example"},
		{"a.example", "a.example", false, "a.example"},
		{"a.example", "b.example", true, "a.example"},
		{"a.example", "a.example:8443", true, "a.example"},
		{"a.example", "a.example/1", false, "a.example/1"},
		{"a.example/1", "a.example", false, "a.example/1"},
		{"a.example/1", "a.example/2", true, "a.example/1"},
		{"a.example/1", "b.example/1", true, "a.example/1"},
		{Simulated, "a.example/1", true, Simulated},
	} {
		if got := c.a.Contradicts(c.b); got != c.differ || c.b.Contradicts(c.a) != got {
			t.Errorf("%q and %q contradict each other: %v", c.a, c.b, got)
		}
		if got := c.a.And(c.b); got != c.both {
			t.Errorf("%q and %q say %q, want %q", c.a, c.b, got, c.both)
		}
	}
	for owner, want := range map[Owner]Owner{"a.example": "a.example/x", "a.example/1": "a.example/1", Simulated: Simulated, "": ""} {
		if got := owner.Of("x"); got != want {
			t.Errorf("x of %q is %q, want %q", owner, got, want)
		}
	}
}
