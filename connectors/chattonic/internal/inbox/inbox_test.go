package inbox

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
)

var sent = time.Date(2025, 9, 9, 6, 30, 0, 0, time.UTC)

var disk = connectors.Disk{
	Folder: func(_ context.Context, path string) (fs.FS, error) { return os.DirFS(path), nil }, Remove: os.Remove,
	Temp: func() (connectors.TempFile, error) { return os.CreateTemp("", "windrow-test-*") },
}

// seen is a file as a test compares it.
type seen struct{ name, mail, text, fault string }

func lookInto(t *testing.T, p Place, tell ...Tell) (list []seen) {
	t.Helper()
	if err := p.Look(t.Context(), sent.Add(-24*time.Hour), nil, slices.Concat(tell, []Tell{nil})[0], func(f *File) error {
		list = append(list, see(t, f))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b seen) int { return strings.Compare(a.name+a.mail, b.name+b.mail) })
	return list
}

func see(t *testing.T, f *File) seen {
	t.Helper()
	defer f.Close()
	s := seen{name: f.Name, mail: f.Mail}
	if f.Err != nil {
		s.fault = f.Err.Error()
		return s
	}
	text, err := io.ReadAll(f.Open())
	if err != nil {
		t.Fatal(err)
	}
	s.text = string(text)
	return s
}

func folderOf(t *testing.T, files map[string][]byte) Folder {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Folder{Path: dir, Date: "Fecha", Hint: "check the folder", Disk: disk}
}

func TestAFileBecomesCSVInUTF8WithCommas(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"as it should be", "a,b\n1,2\n", "a,b\n1,2\n"},
		{"semicolons", "a;b\r\n1;\"x; y, \"\"z\"\"\"\r\n", "a,b\n1,\"x; y, \"\"z\"\"\"\n"},
		{"tabs", "a\tb\n1\t2\n", "a,b\n1,2\n"},
		{"a comma in a name", "a, or so;b;c\n1;2;3\n", "\"a, or so\",b,c\n1,2,3\n"},
		{"what a spreadsheet declares", "sep=;\na;b\n1;2\n", "a,b\n1,2\n"},
		{"Windows-1252", "a,\xf3\nx\x80,\xe1\n", "a,ó\nx€,á\n"},
		{"a spoilt character among others", "a,ó\n\xf3,2\n", "a,ó\n\xf3,2\n"},
		{"a byte order mark", "\ufeffa;b\n1;2\n", "a,b\n1,2\n"},
		{"the last row without an end", "a;b\n1;2", "a,b\n1,2"},
		{"a row with a cell less", "a;b;c\n1;2\n", "a,b,c\n1,2\n"},
		{"irregular quotes", "a;b\nx \"y\" z;2\n", "a,b\n\"x \"\"y\"\" z\",2\n"},
		{"quotes that never end", "a;b\n\"x;2\n3;4\n", "a,b\n\"x;2\n3;4\n\"\n"},
		{"UTF-16 stays what it is", "a\x00,\x00\xf3\x00\n\x00", "a\x00,\x00\xf3\x00\n\x00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := lookInto(t, folderOf(t, map[string][]byte{"x.csv": []byte(tc.text)}))
			if want := []seen{{name: "x.csv", text: tc.want}}; !slices.Equal(got, want) {
				t.Errorf("%+q, want %+q", got, want)
			}
		})
	}
}

func workbook(t *testing.T, fill func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // of memory
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func rows(f *excelize.File, sheet string, rows ...[]any) {
	for i, cells := range rows {
		_ = f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &cells)
	}
}

func TestAWorkbookBecomesCSV(t *testing.T) {
	at := time.Date(2025, 9, 8, 10, 15, 30, 0, time.UTC)
	dates := workbook(t, func(f *excelize.File) {
		rows(f, "Sheet1", []any{"Fecha", "Puntuación", "Comentario", "Otro"}, []any{at, 10, "línea 1\nlínea 2", 1.5}, []any{}, []any{"2025-09-08 11:00", 3}, []any{at, "", "x,y", ""})
		epoch := true
		_ = f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &epoch})
		_ = f.SetCellValue("Sheet1", "A6", 44446.5)
		_ = f.SetCellValue("Sheet1", "B6", 9)
	})
	second := workbook(t, func(f *excelize.File) {
		_, _ = f.NewSheet("NPS")
		rows(f, "NPS", []any{"Fecha", "Puntuación"}, []any{at, 7})
	})
	empty := workbook(t, func(*excelize.File) {})
	got := lookInto(t, folderOf(t, map[string][]byte{"a.xlsx": second, "b.XLSX": empty, "c.xlsx": []byte("PK, but no"), "d.xlsx": dates}))
	if got[0].text != "Fecha,Puntuación\n2025-09-08 10:15:30,7\n" {
		t.Errorf("the sheet with rows: %+q", got[0])
	}
	if !strings.Contains(got[1].fault, "no sheet with rows") || !strings.Contains(got[2].fault, "no workbook that can be read") {
		t.Errorf("faults %+q, %+q", got[1].fault, got[2].fault)
	}
	if want := "2025-09-08 11:00,3,,\n"; !strings.Contains(got[3].text, want) || !strings.Contains(got[3].text, "\n2025-09-08 12:00:00,9,,\n") ||
		!strings.HasPrefix(got[3].text, "Fecha,Puntuación,Comentario,Otro\n") || !strings.Contains(got[3].text, ",10,\"línea 1\nlínea 2\",1.5\n") {
		t.Errorf("%q", got[3].text)
	}
}

func TestAWorkbookThatUnpacksToTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	bomb := workbook(t, func(f *excelize.File) {
		w, err := f.NewStreamWriter("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		cell := strings.Repeat("a", 32000)
		for i := range 200 {
			_ = w.SetRow(fmt.Sprintf("A%d", i+1), []any{"Fecha", cell, cell, cell})
		}
		_ = w.Flush()
	})
	raw, err := newScratch(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.close()
	if _, err := raw.Write(bomb); err != nil {
		t.Fatal(err)
	}
	if _, err := textOfSheet(t.Context(), raw, "Fecha", 16<<20); pipeline.KindOf(err) != pipeline.Malformed || !strings.Contains(err.Error(), "unzip size exceeds") {
		t.Errorf("%d bytes: %v", len(bomb), err)
	}
}

// mailOf is a mail with parts.
func mailOf(id string, at time.Time, parts ...string) []byte {
	date := ""
	if !at.IsZero() {
		date = "Date: " + at.Format(time.RFC1123Z) + "\r\n"
	}
	return []byte("From: <noreply@chat-tonic.example>\r\nTo: <reports@acme.example>\r\nSubject: NPS\r\nMessage-ID: <" + id + ">\r\n" + date +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"edge\"\r\n\r\npreamble\r\n--edge\r\n" +
		strings.Join(parts, "\r\n--edge\r\n") + "\r\n--edge--\r\n")
}

func inBase64(head string, text []byte) string {
	return head + "Content-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(text)
}

func inQuotedPrintable(head, text string) string {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return head + "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b.String()
}

const other = "read the export: other document: files of this kind are not read (unpack it, or save it as .csv or .xlsx, and put that into the inbox)"

// archive is a ZIP archive of files: their names, each with its text.
func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err == nil {
			_, err = io.WriteString(f, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnArchiveWithoutOneExportIsNamedWithWhatToDo(t *testing.T) {
	locked := archive(t, "a.csv", "a\n1\n")
	for i := range len(locked) - 4 { // the flags of the member, in both of its headers
		switch string(locked[i : i+4]) {
		case "PK\x03\x04":
			locked[i+6] |= encrypted
		case "PK\x01\x02":
			locked[i+8] |= encrypted
		}
	}
	for _, tc := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"two exports", archive(t, "a.csv", "a\n1\n", "b.xlsx", "x"), "an archive with 2 files that may be exports, not one (unpack it"},
		{"none", archive(t, "notes.txt", "x", "inner.zip", "x"), "an archive with 0 files"},
		{"a password", locked, "an archive that asks for a password (unpack it"},
		{"no archive", []byte("PK\x03\x04 no more"), "no archive that can be read"},
		{"cut short", archive(t, "a.csv", "a\n1\n")[:60], "no archive that can be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := lookInto(t, folderOf(t, map[string][]byte{"nps.zip": tc.archive}))
			if len(got) != 1 || got[0].name != "nps.zip" || !strings.Contains(got[0].fault, tc.want) {
				t.Errorf("%+q, want %s", got, tc.want)
			}
		})
	}
}

func TestAMailsFilesAreTaken(t *testing.T) {
	const note = "Content-Type: text/plain; charset=utf-8\r\n\r\nAdjunto, el reporte."
	sheet := workbook(t, func(f *excelize.File) { rows(f, "Sheet1", []any{"Fecha"}, []any{"hoy"}) })
	for _, tc := range []struct {
		name string
		part string
		want []seen
	}{
		{"base64", inBase64("Content-Type: text/csv; charset=utf-8\r\nContent-Disposition: attachment; filename=\"nps.csv\"\r\n", []byte("a,ó\n1,2\n")), []seen{{"nps.csv", "1@x", "a,ó\n1,2\n", ""}}},
		{"quoted-printable, in a charset", inQuotedPrintable("Content-Type: text/csv; charset=iso-8859-1\r\nContent-Disposition: attachment; filename=nps.csv\r\n", "a,\xf3\n1,2\n"), []seen{{"nps.csv", "1@x", "a,ó\r\n1,2\r\n", ""}}},
		{"a name as RFC 2231 has it", inBase64("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*=UTF-8''Puntuaci%C3%B3n%20NPS.csv\r\n", []byte("a\n1\n")), []seen{{"Puntuación NPS.csv", "1@x", "a\n1\n", ""}}},
		{"a name in pieces", inBase64("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*0=\"nps-\"; filename*1=\"2025.csv\"\r\n", []byte("a\n1\n")), []seen{{"nps-2025.csv", "1@x", "a\n1\n", ""}}},
		{"a name as RFC 2047 has it", inBase64("Content-Type: application/octet-stream; name=\"=?utf-8?q?Puntuaci=C3=B3n.csv?=\"\r\n", []byte("a\n1\n")), []seen{{"Puntuación.csv", "1@x", "a\n1\n", ""}}},
		{"no name", inBase64("Content-Type: text/csv\r\n", []byte("a\n1\n")), []seen{{"csv", "1@x", "a\n1\n", ""}}},
		{"a workbook", inBase64("Content-Type: "+sheetType+"; name=r.xlsx\r\n", sheet), []seen{{"r.xlsx", "1@x", "Fecha\nhoy\n", ""}}},
		{"two of them, one of which is nested", inBase64("Content-Type: text/csv; name=a.csv\r\n", []byte("a\n1\n")) +
			"\r\n--edge\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\n" + inBase64("Content-Type: text/csv; name=b.csv\r\n", []byte("b\n2\n")) + "\r\n--inner--\r\n",
			[]seen{{"a.csv", "1@x", "a\n1\n", ""}, {"b.csv", "1@x", "b\n2\n", ""}}},
		{"a workbook without a name", inBase64("Content-Type: "+sheetType+"\r\n", sheet), []seen{{"attachment.xlsx", "1@x", "Fecha\nhoy\n", ""}}},
		{"an archive", inBase64("Content-Type: application/zip; name=nps.zip\r\n", archive(t, "NPS/nps.csv", "a;b\n1;2\n", "__MACOSX/NPS/._nps.csv", "x", "notes.txt", "x")), []seen{{"nps.zip", "1@x", "a,b\n1,2\n", ""}}},
		{"an archive without a name", inBase64("Content-Type: application/x-zip-compressed\r\n", archive(t, "r.xlsx", string(sheet))), []seen{{"attachment.zip", "1@x", "Fecha\nhoy\n", ""}}},
		{"what is not read is named", inBase64("Content-Type: application/vnd.ms-excel; name=nps.xls\r\n", []byte("x")), []seen{{"nps.xls", "1@x", "", other}}},
		{"what is not read beside what is", inBase64("Content-Type: application/vnd.ms-excel; name=nps.xls\r\n", []byte("x")) + "\r\n--edge\r\n" + inBase64("Content-Type: text/csv; name=a.csv\r\n", []byte("a\n1\n")),
			[]seen{{"a.csv", "1@x", "a\n1\n", ""}}},
		{"a picture is none", inBase64("Content-Type: image/png; name=logo.png\r\n", []byte("png")), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := lookInto(t, folderOf(t, map[string][]byte{"m.eml": mailOf("1@x", sent, note, tc.part)}))
			if !slices.Equal(got, tc.want) {
				t.Errorf("%+q, want %+q", got, tc.want)
			}
		})
	}
}

func TestAFileIsOfTheTimeOfItsMail(t *testing.T) {
	part := inBase64("Content-Type: text/csv; name=a.csv\r\n", []byte("a\n1\n"))
	f := folderOf(t, map[string][]byte{"dated.eml": mailOf("1@x", sent, part), "undated.eml": mailOf("2@x", time.Time{}, part), "a.csv": []byte("a\n1\n")})
	written := sent.Add(-48 * time.Hour)
	for _, name := range []string{"dated.eml", "undated.eml", "a.csv"} {
		if err := os.Chtimes(filepath.Join(f.Path, name), written, written); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]time.Time{"1@x": sent, "2@x": written, "": written}
	if err := f.Look(t.Context(), sent, nil, nil, func(f *File) error {
		defer f.Close()
		if !f.At.Equal(want[f.Mail]) {
			t.Errorf("%s is of %s", f, f.At)
		}
		delete(want, f.Mail)
		return nil
	}); err != nil || len(want) > 0 {
		t.Errorf("%v; missed %v", err, want)
	}
}

func TestAMailThatIsCutShortIsBroken(t *testing.T) {
	whole := mailOf("1@x", sent, inBase64("Content-Type: text/csv; name=a.csv\r\n", bytes.Repeat([]byte("a,b\n1,2\n"), 50)))
	for _, n := range []int{len(whole) - 300, len(whole) - 13} {
		got := lookInto(t, folderOf(t, map[string][]byte{"m.eml": whole[:n]}))
		if !slices.ContainsFunc(got, func(s seen) bool { return s.mail == "1@x" && s.fault != "" }) {
			t.Errorf("%d of %d bytes: %+q", n, len(whole), got)
		}
	}
}

func TestAFolderIsReadAndNothingElse(t *testing.T) {
	f := folderOf(t, map[string][]byte{"a.csv": []byte("a\n1\n"), ".hidden.csv": nil, "notes.txt": nil, "a.csv.part": nil, "b.ods": nil})
	if err := os.Mkdir(filepath.Join(f.Path, "old.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := lookInto(t, f); len(got) != 2 || got[0].name != "a.csv" || got[1] != (seen{"b.ods", "", "", other}) {
		t.Errorf("%+q", got)
	}
	gone := Folder{Path: filepath.Join(f.Path, "gone"), Hint: "check the folder", Disk: disk}
	err := gone.Look(t.Context(), sent, nil, nil, func(*File) error { return nil })
	if pipeline.KindOf(err) != pipeline.Refused || !strings.Contains(err.Error(), "check the folder") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Look(ctx, sent, nil, nil, func(*File) error { return nil }); pipeline.KindOf(err) != pipeline.Stopped {
		t.Errorf("%v", err)
	}
	own := errors.New("enough")
	if err := f.Look(t.Context(), sent, nil, nil, func(f *File) error { f.Close(); return own }); !errors.Is(err, own) {
		t.Errorf("%v", err)
	}
}
