package config

import (
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

// Push holds the variables of pushes, as typed.
type Push struct {
	Key    string `envconfig:"PUSH_KEY" desc:"secret of at least 32 bytes, under which addresses lie in the send ledger as keyed hashes; windrow push needs it"`
	Ledger string `envconfig:"PUSH_LEDGER" desc:"directory of the send ledger, or gs://…, s3://…; unset: beside the ledger of syncs, in the sink"`
}

// PushSettings are [Push], understood.
type PushSettings struct {
	Key    string // its bytes count; empty: not set
	Ledger string // empty: the sink's
}

// MakePushKey is a command that makes a key.
const MakePushKey = "openssl rand -base64 32"

// PushKeyMissing is the fault of a push without a key.
func PushKeyMissing() pipeline.ConfigError {
	return pipeline.ConfigError{Variable: Prefix + "PUSH_KEY", Problem: "is required to push; make one with `" + MakePushKey + "`, and keep it: the send ledger belongs to it"}
}

// Parse sets s and lists everything that is wrong with c. It repeats no key.
func (c Push) Parse(s *PushSettings) []pipeline.ConfigError {
	var faults faultList
	s.Key, s.Ledger = c.Key, strings.TrimSpace(c.Ledger)
	if n := len(c.Key); n > 0 && n < push.LeastKey {
		faults.add("PUSH_KEY", fmt.Sprintf("has %d bytes, and %d are the least; make one with `%s`", n, push.LeastKey, MakePushKey), "")
	}
	if s.Ledger == "" {
		return faults
	}
	const example = "/var/lib/windrow-push"
	if problem, instead := mistyped(s.Ledger); problem != "" {
		faults.add("PUSH_LEDGER", problem, instead)
	} else if scheme, _, is := strings.Cut(s.Ledger, "://"); is && !Place(scheme) {
		faults.add("PUSH_LEDGER", "names "+scheme+"://, which is neither a directory nor a bucket", example)
	}
	return faults
}
