package main

import (
	"testing"
	"time"
)

func TestTheBoundOfCallsAndReports(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  time.Duration
		want time.Duration
	}{
		{"no call takes no time", callsBound(0, 5, time.Second), 0},
		{"one call takes its latency", callsBound(1, 5, 300*time.Millisecond), 300 * time.Millisecond},
		{"the last of eleven is sent after ten intervals", callsBound(11, 5, 300*time.Millisecond), 2300 * time.Millisecond},
		{"no report takes no time", reportsBound(0), 0},
		{"one report is downloaded when it is ready", reportsBound(1), 20*time.Second + callLatency},
		{"a second's worth of reports is ordered at once", reportsBound(20), 20*time.Second + callLatency},
		{"one more is ordered an interval later", reportsBound(21), 20*time.Second + 50*time.Millisecond + callLatency},
		{"of a quota's worth the last is ordered after 180 intervals", reportsBound(200), 20*time.Second + 180*50*time.Millisecond + callLatency},
		{"one more than the quota waits for the next hour", reportsBound(201), time.Hour + 20*time.Second + callLatency},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestBusyTimeCountsOverlappingRequestsOnce(t *testing.T) {
	var b busyTime
	first := b.begin()
	second := b.begin()
	first()
	if b.total() != 0 {
		t.Error("time was counted while a request was under way")
	}
	began := time.Now()
	second()
	if b.total() <= 0 || b.total() > time.Since(began)+time.Minute {
		t.Errorf("%s", b.total())
	}
}

func TestJobsAloneAreRunApart(t *testing.T) {
	if paired, own, err := splitAlone([]string{"ledger", "waiting"}); err != nil || len(paired) != 0 || len(own) != 2 {
		t.Errorf("%v, %v, %v", paired, own, err)
	}
	if _, _, err := splitAlone([]string{"csv", "quiet"}); err == nil {
		t.Error("they were mixed")
	}
}
