package personal_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms/personal"
)

const key = "a key of thirty-two bytes or more"

func hashed() personal.Options {
	return personal.Options{Mode: personal.Hash, Key: []byte(key), Country: "UY"}
}

func replace(t *testing.T, o personal.Options, text string, kind pipeline.Personal, required bool) (string, bool) {
	t.Helper()
	out, ok := o.Policy().Replace([]byte("before"), []byte(text), kind, required)
	if !strings.HasPrefix(string(out), "before") {
		t.Fatalf("what was there is gone: %q", out)
	}
	return string(out[len("before"):]), ok
}

// hashOf is the hash as the contract words it.
func hashOf(normal string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(normal))
	return hex.EncodeToString(h.Sum(nil))[:32]
}

func TestEqualPeopleHaveEqualHashesHoweverTheyAreWritten(t *testing.T) {
	for _, c := range []struct {
		name, text string
		kind       pipeline.Personal
		normal     string
	}{
		{"a number with a plus", "+598 91 234 567", pipeline.PersonalPhone, "+59891234567"},
		{"a number of the country", "(091) 234-567", pipeline.PersonalPhone, "+59891234567"},
		{"a number that lacks its plus", "59891234567", pipeline.PersonalAddress, "+59891234567"},
		{"a number with the international prefix", "0059891234567", pipeline.PersonalAddress, "+59891234567"},
		{"a number in a field that nobody knows", "+598-91-234567", pipeline.PersonalUnlisted, "+59891234567"},
		{"a switchboard's number", " 1 01 ", pipeline.PersonalPhone, "101"},
		{"a code in a field that nobody knows is no number", "1-01", pipeline.PersonalUnlisted, "1-01"},
		{"an address", " Ana.Lopez@Example.com ", pipeline.PersonalEmail, "ana.lopez@example.com"},
		{"an address where a number may stand", "ANA.LOPEZ@example.com", pipeline.PersonalAddress, "ana.lopez@example.com"},
		{"an address whose accent is a sign of its own", "Jose\u0301@example.com", pipeline.PersonalEmail, "jos\u00e9@example.com"},
		{"an address in a field that nobody knows", "ana.lopez@EXAMPLE.com", pipeline.PersonalUnlisted, "ana.lopez@example.com"},
		{"a name in two forms of an accent", " Ana Lo\u0301pez ", pipeline.PersonalName, "Ana L\u00F3pez"},
		{"a name in a field that nobody knows", "Ana Lo\u0301pez", pipeline.PersonalUnlisted, "Ana L\u00F3pez"},
		{"a text stays as it was said", " Call +598 91 234 567\n", pipeline.PersonalText, "Call +598 91 234 567"},
		{"a link", "https://example.com/A?b", pipeline.PersonalLink, "https://example.com/A?b"},
		{"neither a number nor an address", "the night shift", pipeline.PersonalAddress, "the night shift"},
	} {
		o := hashed()
		o.Names = true
		if got, ok := replace(t, o, c.text, c.kind, false); !ok || got != hashOf(c.normal) {
			t.Errorf("%s: %q, want that of %q", c.name, got, c.normal)
		}
	}
}

func TestEachOfSeveralNumbersHasItsOwnHash(t *testing.T) {
	got, _ := replace(t, hashed(), "+59891234567; ana@example.com", pipeline.PersonalAddress, false)
	if want := hashOf("+59891234567") + "," + hashOf("ana@example.com"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, _ := replace(t, hashed(), ";", pipeline.PersonalPhone, false); got != hashOf(";") {
		t.Errorf("a text of separators: %q", got)
	}
}

func TestANumberOfNoCountryIsItsDigits(t *testing.T) {
	o := hashed()
	o.Country = ""
	if got, _ := replace(t, o, "(091) 234-567", pipeline.PersonalPhone, false); got != hashOf("091234567") {
		t.Errorf("%q", got)
	}
}

func TestNamesStayUnlessTheyAreToGo(t *testing.T) {
	for _, mode := range []personal.Mode{personal.Hash, personal.Drop} {
		o := hashed()
		o.Mode = mode
		if got, ok := replace(t, o, "Ana López", pipeline.PersonalName, true); !ok || got != "Ana López" {
			t.Errorf("%s: %q, %v", mode, got, ok)
		}
		if o.Policy().NameOf("Ana López") != "Ana López" {
			t.Errorf("%s: a name that stays is told otherwise", mode)
		}
		o.Names = true
		if got, ok := replace(t, o, "Ana López", pipeline.PersonalName, true); !ok || got != hashOf("Ana López") {
			t.Errorf("%s: the name as a key is %q, %v", mode, got, ok)
		}
		if got := o.Policy().NameOf("Ana López"); got != hashOf("Ana López") {
			t.Errorf("%s: the name is told as %q", mode, got)
		}
		if got, ok := replace(t, o, "Ana López", pipeline.PersonalName, false); ok != (mode == personal.Hash) {
			t.Errorf("%s: the name beside a key is %q, %v", mode, got, ok)
		}
	}
}

func TestDroppedValuesLeaveNothing(t *testing.T) {
	o := personal.Options{Mode: personal.Drop}
	for _, kind := range []pipeline.Personal{pipeline.PersonalPhone, pipeline.PersonalEmail, pipeline.PersonalAddress, pipeline.PersonalText, pipeline.PersonalLink, pipeline.PersonalUnlisted} {
		if got, ok := replace(t, o, "+59891234567", kind, false); ok || got != "" {
			t.Errorf("kind %d: %q, %v", kind, got, ok)
		}
	}
	if o.NeedsKey() {
		t.Error("a key is asked for, and nothing is hashed")
	}
}

func TestAPolicyIsToldApartFromEveryOther(t *testing.T) {
	all := map[string]personal.Options{"keep": {Mode: personal.Keep, Key: []byte(key)}, "hash": hashed(), "drop": {Mode: personal.Drop}}
	names, country, other, dropped := hashed(), hashed(), hashed(), hashed()
	names.Names, country.Country, other.Key = true, "AR", []byte(strings.ToUpper(key))
	dropped.Mode, dropped.Names = personal.Drop, true
	all["names"], all["country"], all["key"], all["names dropped"] = names, country, other, dropped
	seen := map[string]string{}
	for name, o := range all {
		digest := o.Policy().Settings("settings")
		if before, is := seen[digest]; is {
			t.Errorf("%s and %s have the same settings, %s", name, before, digest)
		}
		seen[digest] = name
		if strings.Contains(digest, key) || digest != o.Policy().Settings("settings") {
			t.Errorf("%s: %s", name, digest)
		}
	}
	if seen["settings"] != "keep" {
		t.Error("who keeps everything has other settings than before")
	}
}

func TestAPolicyServesManyAtOnce(t *testing.T) {
	p := hashed().Policy()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if got, _ := p.Replace(nil, []byte("ana@example.com"), pipeline.PersonalEmail, false); string(got) != hashOf("ana@example.com") {
					t.Errorf("%q", got)
				}
			}
		})
	}
	all.Wait()
}
