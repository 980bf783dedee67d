package phone

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

var update = flag.Bool("update", false, "write plans.txt anew")

// theirPlans are the plans of the port, as plans.txt has them.
func theirPlans(t *testing.T) string {
	t.Helper()
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range all.GetMetadata() {
		code := int(m.GetCountryCode())
		main := ""
		if of := phonenumbers.GetRegionCodeForCountryCode(code); of == m.GetId() {
			main = "main"
		}
		joined := func(lengths []int32) string {
			var texts []string
			for _, n := range lengths {
				texts = append(texts, strconv.Itoa(int(n)))
			}
			return strings.Join(texts, ",")
		}
		d := m.GetGeneralDesc()
		fields := []string{m.GetId(), strconv.Itoa(code), main, joined(d.GetPossibleLength()), joined(d.GetPossibleLengthLocalOnly()),
			m.GetInternationalPrefix(), m.GetNationalPrefixForParsing(), m.GetNationalPrefixTransformRule(), d.GetNationalNumberPattern()}
		for _, f := range fields {
			if strings.ContainsAny(f, "\t\n") {
				t.Fatalf("%q", fields)
			}
		}
		lines = append(lines, strings.Join(fields, "\t")+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestThePlansAreThoseOfLibphonenumber(t *testing.T) {
	theirs := theirPlans(t)
	if *update {
		if err := os.WriteFile("plans.txt", []byte(theirs), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if theirs != planText {
		t.Error("plans.txt is of another version of the port: go test ./transforms/phone -run Plans -update")
	}
}

// theirs is a number as the port reads it.
func theirs(text, country string) (string, bool) {
	n, err := phonenumbers.Parse(text, country)
	if err != nil || n.GetExtension() != "" || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return "", false
	}
	out := phonenumbers.Format(n, phonenumbers.E164)
	again, err := phonenumbers.Parse(out, "")
	return out, err == nil && phonenumbers.Format(again, phonenumbers.E164) == out
}

// agree compares a reading with the port's.
func agree(t *testing.T, text, country string) {
	t.Helper()
	got, ok := E164(text, country)
	want, their := theirs(text, country)
	if ok != their || ok && got != want {
		t.Errorf("%q of %q: %q, %v; libphonenumber has %q, %v", text, country, got, ok, want, their)
	}
}

// The examples of every territory and kind, as they are and written within the country, with its prefixes, changed, cut and
// lengthened, become what they become by the port.
func TestNumbersAreReadAsLibphonenumberReadsThem(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	regions := []string{""}
	for region := range phonenumbers.GetSupportedRegions() {
		regions = append(regions, region)
	}
	slices.Sort(regions)
	read := 0
	for _, region := range regions[1:] {
		for kind := range phonenumbers.PhoneNumberType(11) {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			for _, format := range []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.NATIONAL} {
				text := phonenumbers.Format(n, format)
				if !digitsAlone(text) {
					continue
				}
				digits := digitsIn(text)
				at := random.IntN(len(digits) + 1)
				for _, changed := range []string{text, digits, "+" + digits, "0" + digits, "00" + digits, "011" + digits, "1" + digits, digits[:at] + fmt.Sprint(random.IntN(10)) + digits[at:], digits[:at], digits + digits[:at]} {
					for _, country := range []string{region, "", regions[random.IntN(len(regions))]} {
						if country != "" || strings.HasPrefix(changed, "+") {
							agree(t, changed, country)
							read++
						}
					}
				}
			}
		}
	}
	if read < 20_000 {
		t.Errorf("only %d numbers were read", read)
	}
}

func FuzzE164(f *testing.F) {
	for _, seed := range []string{"+14256715523", "091 234 567", "+0 91 234 567", "00 598 91234567", "+52 1 55 1234 5678", "8 (495) 123-45-67", "+888123", "011 54 9 11 8765 4321", "0343 15 555 1212"} {
		for _, country := range []string{"", "UY", "AR", "RU", "IT", "US", "BR"} {
			f.Add(seed, country)
		}
	}
	f.Fuzz(func(t *testing.T, text, country string) {
		text = strings.TrimSpace(text)
		if !digitsAlone(text) || len(text) > longest || country == "" && !IsInternational(text) || country != "" && !ForCountry(country) {
			return
		}
		agree(t, text, country)
	})
}
