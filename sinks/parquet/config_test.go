package parquet_test

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/parquet"
)

func TestAnAddressIsCheckedAsItIsOpened(t *testing.T) {
	for address, good := range map[string]bool{
		parquet.ExampleAddress: true, "/var/w": true, parquet.Scheme + ":///var/w": true, "file://localhost/var/w": true,
		"": false, "file://host/w": false, "ftp://host/w": false,
	} {
		store, err := parquet.Open(t.Context(), address, parquet.Options{})
		if err == nil {
			err = store.Close()
		}
		if checked := parquet.CheckAddress(address); (checked == nil) != good || (err == nil) != good {
			t.Errorf("%q: checked %v, opened %v", address, checked, err)
		}
		if !good && pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%q: %v is no error of the configuration", address, err)
		}
	}
}
