package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

const accountsName = "ACCOUNTS"

// Accounts holds the variable that names the accounts of a source, as typed.
type Accounts struct {
	Accounts string `envconfig:"ACCOUNTS" desc:"comma list of accounts, where there are several: the variables of mx begin with <source>_MX_, and what is not set for it is as for the source, but its URL and secrets"`
}

// Account is one account of a source, and what its variables begin with.
type Account struct {
	ID     pipeline.AccountID
	Prefix string
	Named  bool // in ACCOUNTS; else it is the only one, and its variables are the source's
}

var accountName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// AccountsOf reads the accounts of the source whose struct of variables is spec. Where none are named, only is the only one.
func AccountsOf(id pipeline.SourceID, only pipeline.AccountID, spec any) (accounts []Account, faults []pipeline.ConfigError) {
	prefix := SourcePrefix(id)
	variable := prefix + accountsName
	if !isSet(variable) {
		return []Account{{ID: only, Prefix: prefix}}, nil
	}
	fault := func(format string, args ...any) {
		faults = append(faults, pipeline.ConfigError{Variable: variable, Problem: fmt.Sprintf(format, args...), Example: "mx,us-east"})
	}
	taken := map[string]string{variable: "the source"}
	for _, v := range Variables(prefix, spec) {
		taken[v.Name] = "the source"
	}
	for name := range strings.SplitSeq(os.Getenv(variable), ",") {
		name = strings.TrimSpace(name)
		a := Account{ID: pipeline.AccountID(name), Prefix: prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_", Named: true}
		switch {
		case name == "":
			fault("has a blank between two commas")
			continue
		case !accountName.MatchString(name):
			fault("names %q; an account's name is of small letters, digits and hyphens, and begins with a letter", name)
			continue
		case slices.ContainsFunc(accounts, func(o Account) bool { return o.ID == a.ID }):
			fault("names %s twice", name)
			continue
		}
		for _, v := range Variables(a.Prefix, spec) {
			if whose, ok := taken[v.Name]; ok {
				fault("names %s, whose variable %s is one of %s", name, v.Name, whose)
				break
			}
			taken[v.Name] = name
		}
		accounts = append(accounts, a)
	}
	return accounts, append(faults, strayOwn(prefix, variable, spec)...)
}

// strayOwn finds what each account has for itself among the source's own variables, where it does nothing.
func strayOwn(prefix, variable string, spec any) (faults []pipeline.ConfigError) {
	t := reflect.TypeOf(spec).Elem()
	for i, v := range Variables(prefix, spec) {
		if t.Field(i).Tag.Get("own") != "" && isSet(v.Name) {
			faults = append(faults, pipeline.ConfigError{Variable: v.Name, Problem: "is of no account: where " + variable + " names several, each has its own"})
		}
	}
	return faults
}

// AsTyped gives a fault of an account's variable the name under which it was set, where that is the source's.
func (a Account) AsTyped(f pipeline.ConfigError, id pipeline.SourceID, spec any) pipeline.ConfigError {
	t := reflect.TypeOf(spec).Elem()
	for i, v := range Variables(SourcePrefix(id), spec) {
		if a.Named && f.Variable == a.Prefix+strings.TrimPrefix(v.Name, SourcePrefix(id)) && !isSet(f.Variable) && isSet(v.Name) && t.Field(i).Tag.Get("own") == "" {
			f.Variable = v.Name
			break
		}
	}
	return f
}
