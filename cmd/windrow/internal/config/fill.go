// Package config reads Windrow's settings from the environment, and from
// nowhere else: it fills structs of strings, knows every variable that exists
// and refuses those that do not.
//
// It does not know what a vendor's settings mean: each connector declares its
// own struct beside its code and parses it, and so does each sink. Start at
// [Fill]; [Scope] and [Operation] are the structs of the settings that belong to
// no vendor and to no sink; [UnknownVariables] finds variables that no struct
// declares.
package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// Prefix begins the name of every variable.
const Prefix = "WINDROW_"

// Variable is one environment variable that a struct declares.
type Variable struct {
	Name    string // in full: WINDROW_DIALPAD_TOKEN
	Default string // empty where there is none
	Meaning string
}

// Variables lists what the struct that spec points to declares, in order.
// prefix ends with "_". It panics on anything but a pointer to a struct whose
// exported fields are strings: those structs are constants of the program.
func Variables(prefix string, spec any) []Variable {
	t := reflect.TypeOf(spec).Elem()
	vars := make([]Variable, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("envconfig")
		if tag == "" || f.Type.Kind() != reflect.String {
			panic(fmt.Sprintf("config: field %s.%s is not a string with an envconfig tag", t, f.Name))
		}
		vars = append(vars, Variable{Name: prefix + tag, Default: f.Tag.Get("default"), Meaning: f.Tag.Get("desc")})
	}
	return vars
}

// FillAccount is Fill of one of several accounts of a source: what is not set for the account is as it is set for the
// source, whose variables begin with source. What is of each account alone, its host and its secrets, has the tag own.
func FillAccount(prefix, source string, spec any) error {
	if err := Fill(prefix, spec); err != nil {
		return err
	}
	v := reflect.ValueOf(spec).Elem()
	for i, known := range Variables(prefix, spec) {
		name := strings.TrimPrefix(known.Name, prefix)
		if shared := os.Getenv(source + name); !isSet(known.Name) && v.Type().Field(i).Tag.Get("own") == "" && shared != "" {
			v.Field(i).SetString(shared)
		}
	}
	return nil
}

// Remake sets the variables of the struct that spec points to which shape rows (the tag shape): as in shape, or where
// they are "meant" and meant is not nil, as in that. All others have their defaults.
func Remake(spec any, shape, meant map[string]string) {
	v := reflect.ValueOf(spec).Elem()
	for i, known := range Variables("", spec) {
		from := shape
		if meant != nil && v.Type().Field(i).Tag.Get("shape") == "meant" {
			from = meant
		}
		value := known.Default
		if typed, ok := from[known.Name]; ok {
			value = typed
		}
		v.Field(i).SetString(value)
	}
}

// isSet reports whether a variable is more than blank.
func isSet(name string) bool { return strings.TrimSpace(os.Getenv(name)) != "" }

// Fill reads the variables of the struct that spec points to. A variable that
// is not set, or set to nothing, has its default.
func Fill(prefix string, spec any) error {
	if err := envconfig.Process(strings.TrimSuffix(prefix, "_"), spec); err != nil {
		return fmt.Errorf("reading %s*: %w", prefix, err)
	}
	// envconfig also looks at the name without the prefix: a stray TOKEN or URL
	// of some other program must not become ours.
	v := reflect.ValueOf(spec).Elem()
	for i, known := range Variables(prefix, spec) {
		if os.Getenv(known.Name) == "" {
			v.Field(i).SetString(known.Default)
		}
	}
	return nil
}
