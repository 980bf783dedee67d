package intake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests name zones that a bare machine may not have

	"github.com/windrow-data/windrow/connectors/ucontact/contacts"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

var telephony = Options{Options: contacts.Options{HubType: contacts.Telephony, Delivery: push.Lists, Now: time.Now}}

// fileOf writes a file into a folder of its own and returns its path.
func fileOf(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pushed reads an input, and writes what was refused to a file: the contacts, and the path of the rejects.
func pushed(t *testing.T, from string, o Options, rejects string) (accepted []string, path string) {
	t.Helper()
	in, err := Open(t.Context(), from, o)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r, err := NewRejects(rejects, in.Comma, from)
	if err != nil {
		t.Fatal(err)
	}
	err = in.Read(t.Context(), func(c push.Contact) error {
		accepted = append(accepted, fmt.Sprintf("%d %s%s", c.Row, c.JSON, c.Data))
		return nil
	}, r.Add)
	if err != nil {
		t.Fatal(err)
	}
	if path, err = r.Close(in.Columns()); err != nil {
		t.Fatal(err)
	}
	return accepted, path
}

func TestWhatWasRefusedCanBeCorrectedAndPushedAgain(t *testing.T) {
	for _, c := range []struct{ name, file, text, rejects, from, to, again string }{
		{"CSV", "june.csv", "clientIds,data.name,note\n+14256715523,Ana,\"a, b\"\nnobody,\"Pia \"\"P\"\"\",\"x\r\ny\"\n+14256715523,Eva,\n",
			"clientIds,data.name,note,_row,_reason\nnobody,\"Pia \"\"P\"\"\",\"x\r\ny\",2,\"clientIds is no phone number; write the number with +, like +59891234567\"\n+14256715523,Eva,,3,is a duplicate of row 1; leave one of the two\n",
			"nobody", "+59891234567", `1 {"clientIds":["+59891234567"]}{"name":"Pia \"P\""}`},
		{"a CSV of semicolons", "june.csv", "clientIds;data.name\n\"nobody;1234\";a, b\n",
			"clientIds;data.name;_row;_reason\n\"nobody;1234\";a, b;1;\"clientIds is no phone number; write the number with +, like +59891234567\"\n",
			"nobody", "+59891234567", `1 {"clientIds":["+59891234567","1234"]}{"name":"a, b"}`},
		{"JSON Lines", "june.jsonl", `{"clientIds":["nobody",1567890]}` + "\n" + `{"clientIds":"+14256715523","data":{"a":[1,2],"b":{"c":true}},"priority":"x"}` + "\n",
			"clientIds,data,priority,_row,_reason\n\"[\"\"nobody\"\",1567890]\",,,1,\"clientIds is no phone number; write the number with +, like +59891234567\"\n+14256715523,\"{\"\"a\"\":[1,2],\"\"b\"\":{\"\"c\"\":true}}\",x,2,\"priority is no integer; write a whole number; the lower one is sooner, and 0 the first\"\n",
			"nobody", "+59891234567", `1 {"clientIds":["+59891234567","1567890"]}`},
	} {
		path := fileOf(t, c.file, c.text)
		_, rejects := pushed(t, path, telephony, RejectsName(path))
		if want := strings.TrimSuffix(path, filepath.Ext(path)) + ".rejected.csv"; rejects != want {
			t.Errorf("%s: %s", c.name, rejects)
		}
		text, err := os.ReadFile(rejects)
		if err != nil {
			t.Fatal(err)
		}
		short := strings.ReplaceAll(string(text), " and its country, like", ", like")
		if short != c.rejects {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, short, c.rejects)
		}
		if info, err := os.Stat(rejects); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", c.name, info.Mode(), err)
		}
		corrected := fileOf(t, "june.rejected.csv", strings.ReplaceAll(string(text), c.from, c.to))
		again, _ := pushed(t, corrected, telephony, filepath.Join(t.TempDir(), "more.csv"))
		if len(again) == 0 || again[0] != c.again {
			t.Errorf("%s, again: %q\nwant %s", c.name, again, c.again)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".windrow*")); len(left) > 0 {
			t.Errorf("%s leaves %s", c.name, left)
		}
	}
}

func TestWithoutRefusalsThereIsNoFile(t *testing.T) {
	path := fileOf(t, "june.csv", "clientIds\n+14256715523\n")
	accepted, rejects := pushed(t, path, telephony, RejectsName(path))
	if len(accepted) != 1 || rejects != "" {
		t.Error(accepted, rejects)
	}
	if _, err := os.Stat(RejectsName(path)); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestTheRejectsNeverReplaceTheInput(t *testing.T) {
	path := fileOf(t, "june.csv", "clientIds\nnobody\n")
	if _, err := NewRejects(filepath.Join(filepath.Dir(path), ".", "june.csv"), ',', "-", path); pipeline.KindOf(err) != pipeline.Invalid {
		t.Error(err)
	}
}

// A push that is killed while it writes its rejects leaves people's addresses in a file that nobody looks for.
func TestWhatAKilledPushHasLeftBesideTheRejectsGoesWithTheNext(t *testing.T) {
	path := fileOf(t, "june.csv", "clientIds\n+14256715523\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), ".windrow-rejects-1234"), []byte("clientIds,_row,_reason\n+1425,1,x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pushed(t, path, telephony, RejectsName(path))
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".windrow*")); len(left) > 0 {
		t.Errorf("%s is left", left)
	}
}

func TestASignalIsNoFaultOfStdin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := telephony
	o.Stdin = strings.NewReader("clientIds\n+14256715523\n")
	if _, err := Open(ctx, "-", o); pipeline.KindOf(err) != pipeline.Stopped {
		t.Error(err)
	}
}

func TestAPlaceForRejectsThatIsNotThereIsTheUsersFault(t *testing.T) {
	r, err := NewRejects(filepath.Join(t.TempDir(), "no", "rejected.csv"), ',', "june.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Add(push.Refusal{Row: 1}); pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "name another place by --rejects") {
		t.Error(err)
	}
}

func TestStdinIsRead(t *testing.T) {
	o := telephony
	o.Stdin = strings.NewReader("clientIds\n+14256715523\n")
	accepted, _ := pushed(t, "-", o, filepath.Join(t.TempDir(), "x.csv"))
	if len(accepted) != 1 || accepted[0] != `1 {"clientIds":["+14256715523"]}` {
		t.Error(accepted)
	}
}

func TestAnInputThatCannotBeIsRefusedWithWhatToDo(t *testing.T) {
	for from, want := range map[string]string{
		filepath.Join(t.TempDir(), "no.csv"): "no such file or directory",
		fileOf(t, "june.xlsx", "x"):          "its name does not say what it is (an input is a file, or an object of gs:// or s3://, that ends in .csv, .jsonl or .parquet",
		"ftp://host/june.csv":                "ftp:// is no input",
		"https://host/june.csv":              "https:// is no input",
		"bigquery://project?query=x":         "bigquery:// is no input",
		"-":                                  "nothing comes on stdin",
		fileOf(t, "june.csv", "phone\n1\n"):  "no column is clientIds; say which by --map column=clientIds; the columns are phone",
	} {
		_, err := Open(t.Context(), from, telephony)
		if pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v", from, err)
		}
	}
	folder := filepath.Join(t.TempDir(), "june.csv")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), folder, telephony); !strings.Contains(fmt.Sprint(err), "it is a directory") {
		t.Error(err)
	}
}

func TestRejectsAreNamedAfterTheInput(t *testing.T) {
	for from, want := range map[string]string{
		"june.csv": "june.rejected.csv", "/a/b.c/june.JSONL": "/a/b.c/june.rejected.csv", "june": "june.rejected.csv", "june.rejected.csv": "june.rejected.rejected.csv",
		"-": "stdin.rejected.csv", "file:///a/june.parquet": "/a/june.rejected.csv", "gs://bucket/a/june.parquet": "june.rejected.csv", "s3://bucket/june.csv?region=x": "june.rejected.csv",
		"bigquery://project?query=@a/june.sql": "june.rejected.csv", "bigquery://project?query=SELECT+1": "bigquery.rejected.csv",
	} {
		if got := RejectsName(from); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
}

func TestSuppressedAddressesComeFromSeveralFiles(t *testing.T) {
	s, err := Suppressed(t.Context(), []string{fileOf(t, "a.txt", "+14256715523\n"), fileOf(t, "b.csv", "email\na@b.co\n")}, "")
	if err != nil || s.Len() != 2 || !s.Has([]string{"14256715523"}) || !s.Has([]string{"a@b.co"}) {
		t.Error(s, err)
	}
	if _, err := Suppressed(t.Context(), []string{filepath.Join(t.TempDir(), "no.txt")}, ""); pipeline.KindOf(err) != pipeline.Invalid {
		t.Error(err)
	}
}
