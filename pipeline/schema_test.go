package pipeline

import (
	"slices"
	"testing"
)

func TestColumnsOfOneNameHaveOneSetOfFacts(t *testing.T) {
	for _, c := range Activity.Columns {
		i, shared := Events.index[c.Name]
		if !shared {
			continue
		}
		if e := Events.Columns[i]; e.HighCardinality != c.HighCardinality || e.Unordered != c.Unordered || e.Personal != c.Personal {
			t.Errorf("%s has other facts in activity than in events", c.Name)
		}
	}
	if c := ColumnNamed("raw"); c.Name != "" || c.HighCardinality || c.Unordered {
		t.Errorf("a column of no table has the facts %+v", c)
	}
}

// The lists decide how files are encoded: another entry means other bytes for the same rows.
func TestTheColumnsThatGetNoDictionaryAndNoStatistics(t *testing.T) {
	for _, tt := range []struct {
		table                      *Table
		highCardinality, unordered []string
	}{
		{Activity, []string{"extras"}, []string{"extras"}},
		{Events, []string{"event_id", "parent_id", "entry_id", "customer_address", "text", "recording_url", "extras"}, []string{"text", "recording_url", "extras"}},
	} {
		var high, unordered []string
		for _, c := range tt.table.Columns {
			if c.HighCardinality {
				high = append(high, c.Name)
			}
			if c.Unordered {
				unordered = append(unordered, c.Name)
			}
			if c.HighCardinality && c.repeats() {
				t.Errorf("%s.%s is held as a dictionary", tt.table.Name, c.Name)
			}
		}
		if !slices.Equal(high, tt.highCardinality) || !slices.Equal(unordered, tt.unordered) {
			t.Errorf("%s: no dictionary for %q, no statistics for %q", tt.table.Name, high, unordered)
		}
	}
}
