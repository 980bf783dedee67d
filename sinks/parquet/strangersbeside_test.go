package parquet

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What every version has put beside the ledger is nobody else's, whether a folder is there or a link to one; all else is named.
func TestStrangersBesideTheLedgerAreNamedAndNothingOfOurs(t *testing.T) {
	own := []string{
		"lock", "views.sql", "tmp/run/alive", "tmp/run/1",
		"ledger/source=dialpad/account=default/stream=dialpad.calls/00000001.jsonl",
		"ledger/source=dialpad/account=default/stream=dialpad.calls/00000032.snapshot.jsonl.zst",
		"rejects/source=dialpad/account=default/stream=dialpad.calls/date=2025-09-08/20250908T050000Z_20250909T050000Z.parquet",
		"history/dialpad.calls/default/2025-09.parquet",
		"runs/recent/20250909T050000Z-1234abcd.parquet", "runs/packed/20250901T000000Z_20250902T000000Z_0123abcd.parquet",
		"runs/20250909T050000Z-1234abcd.run", "runs/20250909T050000Z-1234abcd.json", "runs-packed/00000032.jsonl.zst",
		"journal/source=dialpad/account=default/20250909T050000.000001Z_0123456789abcdef.note", "journal/source=dialpad/account=default/2025-09-09.jsonl",
		"push/terms/00000001.push", "push/keys/0123456789abcdef/00000001.push", "push/private/lock",
	}
	others := []string{
		"ledger/source=dialpad/account=default/stream=dialpad.calls/00000001.jsonl.bak",
		"ledger/source=dialpad/account=default/stream=dialpad.calls/.DS_Store",
		"ledger/source=dialpad/account=default/stream=dialpad.calls/old/00000001.jsonl",
		"ledger/source=ucontact/account=default/stream=dialpad.calls/00000001.jsonl",
		"ledger/x.bak", "ledger.zip", "notes.txt", "old/ledger/00000001.jsonl",
		"rejects/copy.parquet", "history/dialpad.calls/2025-09.parquet", "runs/recent/a.tmp", "runs/packed.tar",
		"journal/2025-09-09.jsonl", "journal/source=dialpad/account=default/readme.txt", "push/contacts.csv",
	}
	root, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(root, private), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(root, private, "ledger")); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(own, others) {
		file := filepath.Join(root, private, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := Open(t.Context(), root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for stranger, err := range store.StrangersBeside(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if stranger.Harmful {
			t.Errorf("%s is harmful to nobody", stranger.Name)
		}
		named = append(named, stranger.Name[len(private)+1:])
	}
	slices.Sort(named)
	slices.Sort(others)
	if !slices.Equal(named, others) {
		t.Errorf("named:\n%q\nwant\n%q", named, others)
	}
}
