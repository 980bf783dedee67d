package parquet

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Scheme begins the addresses of this sink, before ://. It may be left out.
const Scheme = "file"

// ExampleAddress is an address for messages.
const ExampleAddress = "./warehouse"

// CheckAddress reports why address is no address of this sink. It opens nothing.
func CheckAddress(address string) error {
	_, err := volume.Root(address)
	return err
}

// Place is the directory that an address names, as an absolute path; the address itself where it names none.
func Place(address string) string {
	dir, err := volume.Root(address)
	if err != nil {
		return address
	}
	return dir
}

// ArchiveDir is the folder of the root in which the vendors' answers are kept, unless somebody says where else.
const ArchiveDir = "raw"

// The folders of a store in a volume, for who opens volumes: that of what is not finished, and that of a send ledger.
const (
	Private = private
	PushDir = pushDir
)

// Archive is that folder of an address.
func Archive(address string) string { return filepath.Join(Place(address), ArchiveDir) }

// CheckArchive reports why dir is no place for an archive: it is Windrow's, of some warehouse.
func CheckArchive(dir string) error {
	of, inside, err := within(dir, ownFolders()...)
	if err == nil && inside {
		err = fmt.Errorf("%s lies within the tables of the warehouse %s", dir, of)
	}
	return err
}

// CheckArchiveOf reports why dir is no place for the archive of the warehouse in root.
func CheckArchiveOf(root, dir string) error {
	if below, err := filepath.Rel(root, dir); err == nil { // else they have nothing in common
		if first, _, _ := strings.Cut(filepath.ToSlash(below), "/"); first == "." || slices.Contains(ownFolders(), first) {
			return fmt.Errorf("%s is where the sink keeps its own", dir)
		}
	}
	return nil
}

// PushLedger is where the send ledger of pushes lies in the sink of an address, beside its own.
func PushLedger(address string) (dir string, err error) {
	root, err := volume.Root(address)
	return filepath.Join(root, filepath.FromSlash(pushDir)), classify("open the send ledger", err)
}

// Config is the part of the environment that this sink alone obeys, as typed. A directory needs nothing.
type Config struct{}

// Settings is a [Config], understood.
type Settings struct{}

// Settings parses c and lists everything that is wrong with c.
func (c Config) Settings(string) (*Settings, []pipeline.ConfigError) { return &Settings{}, nil }
