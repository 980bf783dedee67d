package bigquery

import (
	"reflect"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestBytesBilledAreReadInBothUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"100GiB": 100 << 30, "2 TB": 2e12, "1tib": 1 << 40, "10485760": 10 << 20,
		"10MB": 0, "-1GiB": 0, "GiB": 0, "1e9": 0, "20EiB": 0, "9EiB": 0, "": 0,
	} {
		s, faults := Config{MaxBytesBilled: text}.Settings("WINDROW_BIGQUERY_")
		got := int64(0)
		if s != nil {
			got = s.MaxBytesBilled
		}
		if got != want || (len(faults) > 0) != (want == 0) {
			t.Errorf("%q: %d bytes, faults %v; want %d", text, got, faults, want)
		}
		for _, f := range faults {
			if f.Variable != "WINDROW_BIGQUERY_MAX_BYTES_BILLED" || f.Problem == "" || f.Example == "" {
				t.Errorf("%q: %+v lacks a name, a problem or an example", text, f)
			}
		}
	}
}

// The tag is the only place of the default.
func TestTheDefaultCapIsOneThatIsUnderstood(t *testing.T) {
	field, _ := reflect.TypeFor[Config]().FieldByName("MaxBytesBilled")
	s, faults := Config{MaxBytesBilled: field.Tag.Get("default")}.Settings("")
	if len(faults) > 0 || s.MaxBytesBilled != 100<<30 {
		t.Errorf("%+v, %v", s, faults)
	}
}

func TestAnEmulatorIsAHostAndPort(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "localhost:9050": "http://localhost:9050", "http://127.0.0.1:9050": "http://127.0.0.1:9050", "http://bigquery:9050/": "http://bigquery:9050",
		"http://user:pass@host": "fault", "ftp://host": "fault", "http://": "fault", "http://host/bigquery/v2": "fault", "a b": "fault",
	} {
		got, faults := EmulatorConfig{Host: text}.URL()
		if len(faults) > 0 {
			got = "fault"
			if strings.Contains(faults[0].String(), "pass") {
				t.Errorf("the fault repeats the value: %s", faults[0])
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestAnEmulatorIsAskedWithoutCredentials(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
	p := newPlace(t)
	o := p.options()
	o.ClientOptions, o.Emulator = nil, p.server.URL()
	if err := p.open(t, o).Check(t.Context()); err != nil {
		t.Error(err)
	}
	o.Emulator = ""
	if _, err := Open(t.Context(), testSink, o); pipeline.KindOf(err) != pipeline.Unauthorized {
		t.Errorf("without an emulator: %v", err)
	}
}

func TestAStoreWithoutACapIsNotOpened(t *testing.T) {
	o := newPlace(t).options()
	o.MaxBytesBilled = 0
	if _, err := Open(t.Context(), testSink, o); pipeline.KindOf(err) != pipeline.Internal {
		t.Errorf("%v", err)
	}
}

func TestAccessIsToTheProjectOfTheAddress(t *testing.T) {
	if a, err := AccessOf(testSink); err != nil || a.Project != "test-project" || a.ProjectRole == "" || a.DatasetRole == "" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, wrong := range []string{"bigquery://my-project", "./warehouse"} {
		if _, err := AccessOf(wrong); err == nil || CheckAddress(wrong) == nil {
			t.Errorf("%s is taken for an address", wrong)
		}
	}
}
