package config

import (
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// UnknownVariables finds the variables of environ (as os.Environ gives it) that begin
// with [Prefix], in any case, and that no struct declares: misspelt ones, and those that this
// build does not serve. An empty one of an account that is named no more counts
// as unset. It never repeats a value: a misspelt variable may hold a secret.
func UnknownVariables(environ []string, known []Variable, sources []pipeline.SourceID) []pipeline.ConfigError {
	var faults []pipeline.ConfigError
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(strings.ToUpper(name), Prefix) || slices.ContainsFunc(known, func(v Variable) bool { return v.Name == name }) {
			continue
		}
		if problem, unserved := problemOf(name, known, sources); value != "" || !unserved {
			faults = append(faults, pipeline.ConfigError{Variable: name, Problem: problem})
		}
	}
	slices.SortFunc(faults, func(a, b pipeline.ConfigError) int { return strings.Compare(a.Variable, b.Variable) })
	return faults
}

// problemOf says what is wrong with a variable; unserved: it is one of an account that is not named.
func problemOf(name string, known []Variable, sources []pipeline.SourceID) (problem string, unserved bool) {
	near := nearest(name, known)
	if near == "" || pipeline.Edits(name, near) > 1 { // one letter mistyped is likelier than another account
		for _, id := range sources {
			if account, ok := accountOf(name, SourcePrefix(id), known); ok {
				problem = "is of the account " + account + ", which " + SourcePrefix(id) + accountsName + " does not name"
				if near != "" {
					problem += "; did you mean " + near + "?"
				}
				return problem, true
			}
		}
	}
	if near != "" {
		return "does not exist; did you mean " + near + "?", false
	}
	return "does not exist", false
}

// SinkPrefix begins the variables of a sink: WINDROW_BIGQUERY_.
func SinkPrefix(scheme string) string { return Prefix + strings.ToUpper(scheme) + "_" }

// SourcePrefix begins the variables of a source: WINDROW_DIALPAD_.
func SourcePrefix(id pipeline.SourceID) string { return Prefix + sourcePart(id) }

func sourcePart(id pipeline.SourceID) string { return strings.ToUpper(string(id)) + "_" }

// accountOf recognises WINDROW_UCONTACT_US_EAST_TOKEN: a variable of the
// source with an account's name between.
func accountOf(name, prefix string, known []Variable) (account string, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return "", false
	}
	for _, v := range known {
		field, ok := strings.CutPrefix(v.Name, prefix)
		if !ok {
			continue
		}
		if account, ok := strings.CutSuffix(rest, "_"+field); ok && account != "" {
			return strings.ReplaceAll(strings.ToLower(account), "_", "-"), true
		}
	}
	return "", false
}

// nearest returns the known variable that was meant with name, if there is one. All have the same beginning, which says nothing.
func nearest(name string, known []Variable) string {
	names := make([]string, len(known))
	for i, v := range known {
		names[i] = strings.TrimPrefix(v.Name, Prefix)
	}
	if near := pipeline.Nearest(name[len(Prefix):], names); near != "" {
		return Prefix + near
	}
	return ""
}
