package transforms

import (
	"archive/zip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// No machine's own zone may matter (promise 9), least of all where it is UTC.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("elsewhere", 5*60*60+45*60)
	m.Run()
}

func TestC_ZonesAreReadInAnyCase(t *testing.T) {
	names := zoneList(t)
	if len(names) < 500 {
		t.Fatalf("the list of zones has %d names", len(names))
	}
	for _, name := range names {
		want, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, spelt := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			z := loadZone(spelt, nil)
			if z == nil {
				t.Errorf("%s is not read", spelt)
				continue
			}
			for _, at := range []time.Time{time.Date(2025, 1, 8, 0, 0, 0, 0, time.UTC), time.Date(2025, 7, 8, 0, 0, 0, 0, time.UTC)} {
				if !at.In(z.loc).Equal(at) || at.In(z.loc).Format(time.DateTime) != at.In(want).Format(time.DateTime) {
					t.Errorf("%s is read as %s", spelt, z.loc)
				}
			}
		}
	}
}

// zoneList are the names that the toolchain's list of zones has.
func zoneList(t *testing.T) (names []string) {
	t.Helper()
	list, err := zip.OpenReader(filepath.Join(runtime.GOROOT(), "lib", "time", "zoneinfo.zip")) //nolint:staticcheck // the tests run where they are built
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	for _, f := range list.File {
		if !strings.HasSuffix(f.Name, "/") && f.Name != "Factory" {
			names = append(names, f.Name)
		}
	}
	return names
}

func TestC_WhatIsNoZoneIsNone(t *testing.T) {
	chicago := &pipeline.Meta{Request: pipeline.Request{Zone: "America/Chicago"}, Span: pipeline.Span{Start: pipeline.InstantOf(time.Date(2025, 9, 8, 5, 0, 0, 0, time.UTC))}}
	for name, want := range map[string]string{
		"utc": "UTC", "america/chicago": "America/Chicago", " US/central ": "US/Central", "EST5EDT": "EST5EDT", "Etc/GMT+5": "Etc/GMT+5", "etc/gmt+5": "Etc/GMT+5",
		"GMT": "GMT", "gmt": "GMT", "CST": "America/Chicago", "cst": "America/Chicago", "cdt": "America/Chicago", "zulu": "Zulu",
		"Z": "", "+00:00": "", "UTC-05:00": "", "GMT-0500": "", "PST": "", "Mars/Phobos": "", "local": "", "Local": "", "": "", "..": "", "/": "", "america": "", "Central Time": "",
	} {
		got := ""
		if z := loadZone(strings.TrimSpace(name), chicago); z != nil {
			got = z.loc.String()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
