package config

import (
	"strings"
	"testing"

	"github.com/windrow-data/windrow/transforms/personal"
)

func TestPrivacyIsUnderstoodOrRefusedByName(t *testing.T) {
	key := strings.Repeat("k", personal.KeyBytes)
	for _, c := range []struct {
		name   string
		typed  Privacy
		faulty string // the variable, without its prefix
		want   personal.Options
	}{
		{"nothing is set", Privacy{PII: "keep", Names: "false"}, "", personal.Options{Mode: personal.Keep}},
		{"hashes have a key and a country", Privacy{"hash", key, " uy ", "TRUE"}, "", personal.Options{Mode: personal.Hash, Key: []byte(key), Country: "UY", Names: true}},
		{"what is dropped needs no key", Privacy{PII: "drop", Names: "false"}, "", personal.Options{Mode: personal.Drop}},
		{"names that are keys need one", Privacy{PII: "drop", Names: "true"}, "PII_KEY", personal.Options{}},
		{"hashes need one", Privacy{PII: "hash", Names: "false"}, "PII_KEY", personal.Options{}},
		{"a short key", Privacy{"hash", key[1:], "", "false"}, "PII_KEY", personal.Options{}},
		{"a mode that does not exist", Privacy{PII: "mask", Names: "false"}, "PII", personal.Options{}},
		{"a country that does not exist", Privacy{"hash", key, "UK", "false"}, "PII_COUNTRY", personal.Options{}},
		{"a country by its name", Privacy{"hash", key, "Uruguay", "false"}, "PII_COUNTRY", personal.Options{}},
		{"neither true nor false", Privacy{"hash", key, "", "perhaps"}, "PII_NAMES", personal.Options{}},
	} {
		got, faults := c.typed.Parse()
		switch {
		case c.faulty == "" && (len(faults) > 0 || got.Mode != c.want.Mode || string(got.Key) != string(c.want.Key) || got.Country != c.want.Country || got.Names != c.want.Names):
			t.Errorf("%s: %+v, %v", c.name, got, faults)
		case c.faulty != "" && (len(faults) != 1 || faults[0].Variable != Prefix+c.faulty || faults[0].Example == ""):
			t.Errorf("%s: %v, want a fault of %s", c.name, faults, c.faulty)
		}
		for _, f := range faults {
			if strings.Contains(f.Problem+f.Example, "kkkk") {
				t.Errorf("%s: the key is told: %+v", c.name, f)
			}
		}
	}
}
