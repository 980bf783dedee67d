package main

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzConfiguration gives the program environments that nobody would write,
// one NAME=value a line: it never panics, and what it says never holds a secret.
func FuzzConfiguration(f *testing.F) {
	f.Add("UCONTACT_TOKEN=k\nUCONTACT_URL=https://x.example\nUCONTACT_TIMEZONE=America/Mexico_City\nUCONTACT_AGENTS=A,B")
	f.Add("CHATTONIC_USERNAME=u\nCHATTONIC_PASSWORD=p q\nCHATTONIC_URL=http://127.0.0.1:1\nCHATTONIC_TIMEZONE=UTC\nCHATTONIC_WINDOW=7d")
	f.Add("DIALPAD_TOKEN=k\nDIALPAD_TIMEZONE=Asia/Kolkata\nDIALPAD_TARGETS=callcenter:1,office:2\nDIALPAD_POST_QUOTA=1/1h\nDIALPAD_GROUP_BY=group")
	f.Add("SINK=bigquery://p/d\nBIGQUERY_MAX_BYTES_BILLED=1e999GiB\nFROM=2025-02-30\nMAX_REJECTS=NaN\nCONCURRENCY=-1\nRETRY_FOR=1\nSTREAMS=a,dialpad.calls")
	f.Add("DIALPAD_MX_TOKEN=k\nUCONTACT_ACCOUNTS=a\nPII_KEY=x\nDIALPAD_TOKN=k\n=\n\nA")
	f.Add("DIALPAD_TOKEN=k\r\nDIALPAD_URL=ftp://h\nDIALPAD_TIMEZONE=Local\nDIALPAD_WINDOW=0d\nDIALPAD_SETTLE=99999999d\nDIALPAD_RATE=Inf")

	const secret = "hush9f3a"
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "WINDROW_") {
			f.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	f.Fuzz(func(t *testing.T, lines string) {
		lines = strings.ReplaceAll(lines, secret, "")
		for line := range strings.Lines(lines) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			name = "WINDROW_" + name
			switch {
			case strings.ContainsRune(line, 0):
				continue
			case strings.HasSuffix(name, "TOKEN"), strings.HasSuffix(name, "PASSWORD"):
				value = secret + value
			case strings.HasSuffix(name, "_URL"):
				value = strings.Replace(value, "://", "://user:"+secret+"@", 1)
			}
			t.Setenv(name, value)
		}
		a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now}
		s, err := a.configure()
		if err != nil {
			if code := exitCode(err); code != 2 {
				t.Errorf("exit code %d: %v", code, err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds a secret: %v", err)
			}
			return
		}
		if _, err := a.sources(s, time.Second, time.Now); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error holds a secret: %v", err)
		}
		for _, st := range s.catalogue() {
			if st.Table == nil || st.Calendar.Zone == nil {
				t.Errorf("%s has no table or calendar", st.Key)
			}
		}
	})
}
