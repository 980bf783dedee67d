package config

import (
	"strconv"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms/personal"
	"github.com/windrow-data/windrow/transforms/phone"
)

// Privacy holds the variables that say what becomes of personal data, as typed.
type Privacy struct {
	PII     string `envconfig:"PII" default:"keep" desc:"what becomes of personal data: keep, hash (a keyed hash stands for each value) or drop"`
	Key     string `envconfig:"PII_KEY" desc:"secret of the hashes, 32 bytes at least"`
	Country string `envconfig:"PII_COUNTRY" desc:"country of telephone numbers that name none, two letters of ISO 3166"`
	Names   string `envconfig:"PII_NAMES" default:"false" desc:"true: people's names are personal data too, also where they are the key of a row; needs the key"`
}

const (
	keyCommand = "openssl rand -base64 32"
	newKey     = "the output of: " + keyCommand
)

// Parse understands the variables, and lists everything that is wrong with them.
func (c Privacy) Parse() (personal.Options, []pipeline.ConfigError) {
	var faults faultList
	o := personal.Options{Mode: personal.Mode(c.PII), Key: []byte(c.Key), Country: strings.ToUpper(strings.TrimSpace(c.Country))}
	var err error
	if o.Names, err = strconv.ParseBool(strings.ToLower(strings.TrimSpace(c.Names))); err != nil {
		faults.add("PII_NAMES", "is neither true nor false", "true")
	}
	switch o.Mode {
	case personal.Keep, personal.Hash, personal.Drop:
	default:
		faults.add("PII", "is none of keep, hash, drop", "hash")
		return o, faults
	}
	switch {
	case len(c.Key) > 0 && len(c.Key) < personal.KeyBytes:
		faults.add("PII_KEY", "is shorter than 32 bytes", newKey)
	case len(c.Key) == 0 && o.NeedsKey():
		faults.add("PII_KEY", "is not set, and something is to be hashed", newKey)
	}
	if o.Country != "" && !phone.ForCountry(o.Country) {
		faults.add("PII_COUNTRY", "is no country of ISO 3166, in two letters", "UY")
	}
	return o, faults
}
