package parquet

import (
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

// Config is the part of the environment that this sink alone obeys, as typed. A directory needs nothing.
type Config struct{}

// Settings is a [Config], understood.
type Settings struct{}

// Settings parses c and lists everything that is wrong with c.
func (c Config) Settings(string) (*Settings, []pipeline.ConfigError) { return &Settings{}, nil }
