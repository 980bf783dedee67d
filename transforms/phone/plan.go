package phone

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The numbering plans are those of libphonenumber's maintained port, github.com/nyaruka/phonenumbers, and a test holds this
// file and what is made of it against the port. The port itself is in no program: reading its tables takes as long as all
// of the rest of a start, and Go reads them at every start, whether a number is looked at or not.
//
//go:embed plans.txt
var planText string

// plan is how the numbers of a territory are written.
type plan struct {
	id     string // of ISO 3166, or 001 where no country has the calling code
	code   string // the calling code
	most   []int  // lengths of numbers, ascending
	local  []int  // lengths of numbers that lack their area code
	idd    lazy   // what is dialled before a calling code
	prefix lazy   // what is dialled before a number within the country; empty: nothing
	rule   string // what is left of a number that has the prefix, where that is not the rest
	valid  lazy   // all numbers
}

// lazy is a regular expression that few programs need.
type lazy struct {
	text    string
	compile func() *regexp.Regexp
}

func lazily(text string) lazy {
	return lazy{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

// plans are read when the first number is.
var plans = sync.OnceValue(func() (all struct{ byID, byCode map[string]*plan }) {
	all.byID, all.byCode = make(map[string]*plan), make(map[string]*plan)
	for line := range strings.Lines(planText) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		p := &plan{id: f[0], code: f[1], most: lengths(f[3]), local: lengths(f[4]), idd: lazily(f[5]), prefix: lazily("^(?:" + f[6] + ")"), rule: f[7], valid: lazily("^(?:" + f[8] + ")$")}
		if f[6] == "" {
			p.prefix = lazy{}
		}
		if f[2] == "main" { // of the territories that share a calling code
			all.byCode[p.code] = p
		}
		if len(p.id) == 2 {
			all.byID[p.id] = p
		}
	}
	return all
})

func lengths(text string) (all []int) {
	for one := range strings.SplitSeq(text, ",") {
		if n, err := strconv.Atoi(one); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// fit says how the length of a number fits a plan.
type fit uint8

const (
	fits fit = iota
	fitsLocally
	tooShort
	tooLong
	unfit // between the lengths
)

func (p *plan) fit(n string) fit {
	switch l := len(n); {
	case slices.Contains(p.local, l):
		return fitsLocally
	case slices.Contains(p.most, l):
		return fits
	case l < p.most[0]:
		return tooShort
	case l > p.most[len(p.most)-1]:
		return tooLong
	}
	return unfit
}

// The functions below follow libphonenumber step by step, so that every number becomes what it becomes there.

const (
	fewestNational = 2
	mostNational   = 17
	longestCode    = 3
)

// parse reads the digits of a number: its calling code and the number behind that. plus says that the number begins with
// one; home is the plan of numbers without a calling code, and may be nil.
func parse(digits string, plus bool, home *plan) (code, national string, ok bool) {
	of := home
	code, national, known := callingCode(digits, plus, home)
	if !known && plus { // perhaps the plus means nothing
		code, national, known = callingCode(digits, false, home)
		known = known && code != ""
	}
	switch {
	case !known:
		return "", "", false
	case code != "":
		if p := plans().byCode[code]; home == nil || p.id != home.id {
			of = p
		}
	case home == nil:
		return "", "", false
	default:
		code, national = home.code, digits
	}
	if len(national) < fewestNational {
		return "", "", false
	}
	if short := of.withoutPrefix(national); of.fit(short) == fits || of.fit(short) == tooLong {
		national = short
	}
	return code, national, fewestNational <= len(national) && len(national) <= mostNational
}

// callingCode splits the calling code off. It is empty where the number has none. known is false where the number says that
// it has one, and that is nobody's.
func callingCode(digits string, plus bool, home *plan) (code, rest string, known bool) {
	if !plus && home != nil {
		if at := home.idd.compile().FindStringIndex(digits); at != nil && at[0] == 0 && !strings.HasPrefix(digits[at[1]:], "0") {
			plus, digits = true, digits[at[1]:]
		}
	}
	if plus {
		for n := 1; n <= longestCode && n <= len(digits) && len(digits) > fewestNational; n++ {
			if plans().byCode[digits[:n]] != nil {
				return digits[:n], digits[n:], true
			}
		}
		return "", "", false
	}
	if home != nil {
		if rest, has := strings.CutPrefix(digits, home.code); has {
			rest = home.withoutPrefix(rest)
			if valid := home.valid.compile(); !valid.MatchString(digits) && valid.MatchString(rest) || home.fit(digits) == tooLong {
				return home.code, rest, true
			}
		}
	}
	return "", "", true
}

// withoutPrefix takes the national prefix off, unless it makes a number of what would be none without it.
func (p *plan) withoutPrefix(n string) string {
	if n == "" || p.prefix.compile == nil {
		return n
	}
	prefix := p.prefix.compile()
	groups := prefix.FindStringSubmatchIndex(n)
	if groups == nil {
		return n
	}
	short := n[groups[1]:]
	if p.rule != "" && groups[len(groups)-2] >= 0 {
		short = prefix.ReplaceAllString(n, p.rule)
	}
	if valid := p.valid.compile(); valid.MatchString(n) && !valid.MatchString(short) {
		return n
	}
	return short
}
