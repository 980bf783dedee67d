package main

import "testing"

// What is printed to be typed can be typed.
func TestTheCommandThatOpensTheViewsIsOneForAShell(t *testing.T) {
	for _, tt := range []struct{ where, want string }{
		{"/srv/warehouse/_windrow/views.sql", "duckdb -init /srv/warehouse/_windrow/views.sql"},
		{"/srv/it's [a] house/views.sql", `duckdb -init '/srv/it'\''s [a] house/views.sql'`},
		{"/srv/§/$(date)/views.sql", "duckdb -init '/srv/§/$(date)/views.sql'"},
		{"gs://bucket/_windrow/views.sql", "fetch gs://bucket/_windrow/views.sql, then duckdb -init views.sql"},
	} {
		if got := opening(tt.where); got != tt.want {
			t.Errorf("%s: %s, not %s", tt.where, got, tt.want)
		}
	}
}
