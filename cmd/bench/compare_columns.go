package main

import "strings"

// flagged is how extras say that a time is ambiguous.
const flagged = `"_time_ambiguous":`

// compared is one column as both sides have it, in a form in which equal
// values are identical.
type compared struct {
	name, form string
	time       bool // where the policy for the repeated hour shows
}

// columns lists what is compared: every column of the files but sync_id, which
// names the run. extras are compared as parsed JSON: the value of each member
// that the input can have, and the number of members.
func (c comparison) columns() []compared {
	var all []compared
	for _, f := range c.Job.table().StageSchema().Fields() {
		switch f.Name {
		case "sync_id":
		case "extras":
			names := callsUnmapped()
			if c.Job.Format == "stats" {
				names = statsUnmapped()
			}
			for i, n := range names {
				kind := `"VARCHAR"`
				if c.Job.Format == "stats" && n != statsNotes {
					kind = `"DOUBLE"`
				}
				names[i] = `"` + n + `":` + kind
			}
			form := "json_transform(extras, '{" + strings.Join(names, ",") + "}')"
			all = append(all, compared{name: "extras", form: form},
				compared{name: "number of extras", form: "len(json_keys(extras)) - CAST(contains(extras, '" + flagged + "') AS INTEGER)"})
		default:
			all = append(all, compared{f.Name, f.Name, strings.HasSuffix(f.Name, "_at") && f.Name != "extracted_at" || f.Name == "local_date"})
		}
	}
	return all
}

// key tells the rows of a table apart.
func (c comparison) key() string {
	if c.Job.Format == "stats" {
		return "resource_id, channel, interval_start"
	}
	return "event_id"
}

// where leaves out the rows that are compared apart.
func (col compared) where() string {
	if col.time {
		return "NOT repeated"
	}
	return "true"
}
