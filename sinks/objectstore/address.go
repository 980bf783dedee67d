package objectstore

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The schemes of addresses.
const (
	GCS = "gs"
	S3  = "s3"
)

// Schemes are all of them.
var Schemes = []string{GCS, S3}

// Address is where in which bucket objects lie.
type Address struct {
	Scheme string
	Bucket string
	Prefix string // empty, or it ends with a slash

	Region    string // of S3; empty: as AWS's own variables say
	Endpoint  string // of S3; empty: AWS's, or as its variables say
	PathStyle *bool  // nil: where the endpoint is not AWS's
}

// Is reports whether a place is one of an object store.
func Is(place string) bool {
	scheme, _, ok := strings.Cut(place, "://")
	return ok && slices.Contains(Schemes, scheme)
}

// ParseAddress understands gs://bucket/prefix and s3://bucket/prefix?region=…&endpoint=…&use_path_style=true.
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Address{}, errors.New("no address of a bucket")
	}
	if !Is(text) {
		return Address{}, fmt.Errorf("%s:// is no object store", u.Scheme)
	}
	a := Address{Scheme: u.Scheme, Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	switch {
	case u.User != nil:
		return a, errors.New("credentials do not belong in an address; the cloud's own variables and files have them")
	case a.Bucket == "" || u.Port() != "":
		return a, fmt.Errorf("it names no bucket; for example %s://my-bucket/warehouse", a.Scheme)
	case u.Fragment != "":
		return a, errors.New("it has a # in it")
	}
	for _, part := range strings.Split(a.Prefix, "/") {
		if a.Prefix != "" && (part == "" || part == "." || part == "..") {
			return a, fmt.Errorf("the prefix %q has an empty part, or one of dots", a.Prefix)
		}
	}
	if a.Prefix != "" {
		a.Prefix += "/"
	}
	return a, a.parameters(u.Query())
}

func (a *Address) parameters(query url.Values) error {
	for name, values := range query {
		value := values[len(values)-1]
		if a.Scheme != S3 {
			return fmt.Errorf("the parameter %s is unknown: gs:// takes none", name)
		}
		switch name {
		case "region":
			a.Region = value
		case "endpoint":
			if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return fmt.Errorf("endpoint=%s is no address of a server; for example endpoint=https://storage.example.com", value)
			}
			a.Endpoint = value
		case "use_path_style", "s3ForcePathStyle":
			is, err := strconv.ParseBool(value)
			if err != nil {
				return fmt.Errorf("use_path_style=%s is neither true nor false", value)
			}
			a.PathStyle = &is
		default:
			return fmt.Errorf("the parameter %s is unknown; s3:// takes region, endpoint and use_path_style", name)
		}
	}
	return nil
}

// String is the address without its parameters.
func (a Address) String() string {
	return strings.TrimSuffix(a.Scheme+"://"+a.Bucket+"/"+a.Prefix, "/")
}

// Beneath is the address of a folder of the place that an address names, with its parameters.
func Beneath(address, folder string) string {
	place, parameters, has := strings.Cut(address, "?")
	place = strings.TrimRight(place, "/") + "/" + folder
	if has {
		place += "?" + parameters
	}
	return place
}
