package inbox

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
)

// encrypted is the bit of a member's flags that says so (APPNOTE 4.4.4).
const encrypted = 1

// unpacked is the one export of an archive, and its name. Archives inside it are not looked into.
func unpacked(ctx context.Context, raw *scratch) (*scratch, string, error) {
	archive, err := zip.NewReader(raw.reader(), raw.size)
	if err != nil {
		return nil, "", unreadable("it is no archive that can be read", err)
	}
	var exports []*zip.File
	for _, f := range archive.File {
		name := path.Base(f.Name)
		if isExport(name) && !isArchive(name) && !strings.HasPrefix(name, ".") && !strings.HasPrefix(f.Name, "__MACOSX/") {
			exports = append(exports, f)
		}
	}
	const remedy = "unpack it, and put each .csv and .xlsx of it into the inbox"
	switch {
	case len(exports) != 1:
		return nil, "", notRead(fmt.Sprintf("it is an archive with %d files that may be exports, not one", len(exports)), remedy)
	case exports[0].Flags&encrypted != 0:
		return nil, "", notRead("it is an archive that asks for a password", remedy)
	}
	packed, err := exports[0].Open()
	if err != nil {
		return nil, "", unreadable("its export cannot be unpacked", err)
	}
	defer packed.Close() //nolint:errcheck // it was only read
	text, err := written(raw.disk, func(to *scratch) error {
		_, err := io.Copy(to, contextReader{ctx, packed})
		return err
	})
	if err != nil {
		return nil, "", unreadable("its export cannot be unpacked", err)
	}
	return text, path.Base(exports[0].Name), nil
}
