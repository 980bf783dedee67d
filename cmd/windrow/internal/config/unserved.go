package config

import (
	"slices"

	"github.com/windrow-data/windrow/pipeline"
)

// What the contract names and this build does not serve is refused by name,
// so that nobody believes a setting is in force that is not.

var unservedSinks = []string{"gs", "s3", "bigquery"}

var unservedCore = []string{
	"ARCHIVE", "PII", "PII_KEY", "PII_COUNTRY", "PII_NAMES", "INTRADAY", "BIGQUERY_MAX_BYTES_BILLED",
}

// Of every source.
var unservedOfSource = []string{"ACCOUNTS"}

// NPS exports arrive in an inbox; its variables begin so.
const unservedInbox = "CHATTONIC_NPS_"

var unservedStreams = []pipeline.StreamID{
	"chattonic.nps",
	"dialpad.recordings", "dialpad.csat", "dialpad.dispositions", "dialpad.onduty", "dialpad.screenshare",
	"dialpad.texts_stats", "dialpad.voicemails_stats", "dialpad.recordings_stats", "dialpad.onduty_stats",
	"dialpad.screenshare_stats", "dialpad.onduty_time",
}

// Unserved reports whether the stream exists but not in this build.
func Unserved(id pipeline.StreamID) bool { return slices.Contains(unservedStreams, id) }
