package deploy

import (
	"fmt"
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/plugin"
)

// scratch is a folder for what several tests use.
var scratch string

// TestMain is also the stand-in for Google's provider: OpenTofu starts this
// binary as its plugin, with its cookie in the environment.
func TestMain(m *testing.M) {
	if os.Getenv(plugin.Handshake.MagicCookieKey) == plugin.Handshake.MagicCookieValue {
		plugin.Serve(&plugin.ServeOpts{ProviderFunc: func() *schema.Provider { return google() }})
		return
	}
	os.Exit(inScratch(m))
}

func inScratch(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "windrow-deploy"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	if err = os.Chmod(scratch, 0o755); err != nil { // the program is run as a stranger
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
