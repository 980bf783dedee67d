// Package googlelogin words what helps where Google's clients find no credentials.
//
// It looks for none itself. Start at [Remedy].
package googlelogin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// Remedy is what helps against err, with which a client could not be made: the file of credentials that is named and
// missing, or no such file, else what helps where there are none.
func Remedy(err error, none string) string {
	var path *fs.PathError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &path):
		return fmt.Sprintf("GOOGLE_APPLICATION_CREDENTIALS names %s, which cannot be read: correct the path, or unset the variable and run `gcloud auth application-default login`", path.Path)
	case errors.As(err, &syntax):
		return "the file that GOOGLE_APPLICATION_CREDENTIALS names is no key of a service account: download it again, or unset the variable and run `gcloud auth application-default login`"
	}
	return none
}
