// Package s3 drives a bucket of Amazon S3, or of a store that speaks its protocol, by entity tags. Start at [Open].
package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/bucket"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Options of a Driver. What is empty or nil is as the environment says, by AWS's own rules.
type Options struct {
	Bucket    string
	Region    string
	Endpoint  string
	PathStyle *bool // nil: with an endpoint that is not AWS's
	UserAgent string
}

// anyRegion signs requests to an endpoint that has none.
const anyRegion = "us-east-1"

// Driver implements [bucket.Driver].
type Driver struct {
	bucket string
	region string
	client *s3.Client
}

var _ bucket.Driver = (*Driver)(nil)

// Open returns the driver. It asks the store nothing.
func Open(ctx context.Context, o Options) (*Driver, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(o.Region), config.WithAppID(o.UserAgent), config.WithLogger(logging.Nop{}),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} })) // package bucket repeats
	if err != nil {
		return nil, &pipeline.Error{Op: "open the bucket", Kind: pipeline.Invalid, Err: err, Hint: "correct AWS's own configuration: its variables, or the files in ~/.aws"}
	}
	custom := o.Endpoint != "" || cfg.BaseEndpoint != nil
	if cfg.Region == "" && custom {
		cfg.Region = anyRegion
	}
	if cfg.Region == "" {
		return nil, &pipeline.Error{Op: "open the bucket", Kind: pipeline.Invalid, Err: fmt.Errorf("no region of the bucket %s is known", o.Bucket),
			Hint: "add it to the address: s3://" + o.Bucket + "?region=eu-central-1, or set AWS_REGION"}
	}
	client := s3.NewFromConfig(cfg, func(s *s3.Options) {
		if o.Endpoint != "" {
			s.BaseEndpoint = &o.Endpoint
		}
		s.UsePathStyle = custom
		if o.PathStyle != nil {
			s.UsePathStyle = *o.PathStyle
		}
		s.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired // an upload has the sum that is known
		s.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return &Driver{bucket: o.Bucket, region: cfg.Region, client: client}, nil
}

// List implements [bucket.Driver].
func (d *Driver) List(ctx context.Context, prefix, after string, most int) ([]bucket.Object, bool, error) {
	in := &s3.ListObjectsV2Input{Bucket: &d.bucket, Prefix: &prefix, MaxKeys: aws.Int32(int32(most))}
	if after != "" {
		in.StartAfter = &after
	}
	answer, err := d.client.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, false, d.classify("list the bucket", err, true)
	}
	page := make([]bucket.Object, 0, len(answer.Contents))
	for _, o := range answer.Contents {
		page = append(page, bucket.Object{
			Name: aws.ToString(o.Key), Version: volume.Version(aws.ToString(o.ETag)), Size: aws.ToInt64(o.Size), Updated: aws.ToTime(o.LastModified),
		})
	}
	return page, aws.ToBool(answer.IsTruncated), nil
}

// Get implements [bucket.Driver].
func (d *Driver) Get(ctx context.Context, name string, of volume.Version, from, n int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &d.bucket, Key: &name}
	if of != volume.Any {
		in.IfMatch = (*string)(&of)
	}
	if n >= 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", from, from+n-1))
	}
	answer, err := d.client.GetObject(ctx, in)
	if err != nil {
		return nil, d.classify("read "+name, err, false)
	}
	if of != volume.Any && aws.ToString(answer.ETag) != string(of) { // some stores do not obey it where nothing is written
		answer.Body.Close()
		return nil, fmt.Errorf("%s: %w", name, volume.ErrChanged)
	}
	return answer.Body, nil
}

// Put implements [bucket.Driver]. The connection protects the body, and the checksum proves it.
func (d *Driver) Put(ctx context.Context, name string, body bucket.Body, over volume.Version) error {
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, body.CRC32C))
	in := &s3.PutObjectInput{Bucket: &d.bucket, Key: &name, Body: body.Open(), ContentLength: &body.Size, ChecksumCRC32C: &sum}
	switch over {
	case volume.Any:
	case volume.Absent:
		in.IfNoneMatch = aws.String("*")
	default:
		in.IfMatch = (*string)(&over)
	}
	_, err := d.client.PutObject(ctx, in, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
	if statusOf(err) == http.StatusNotFound && in.IfMatch != nil && codeOf(err) != noBucket {
		return fmt.Errorf("%w: %w", volume.ErrChanged, err) // nothing has that tag
	}
	return d.classify("write "+name, err, true)
}

// Remove implements [bucket.Driver].
func (d *Driver) Remove(ctx context.Context, name string, of volume.Version) error {
	in := &s3.DeleteObjectInput{Bucket: &d.bucket, Key: &name}
	if of != volume.Any {
		in.IfMatch = (*string)(&of)
	}
	_, err := d.client.DeleteObject(ctx, in)
	if statusOf(err) == http.StatusNotImplemented && in.IfMatch != nil {
		return volume.ErrUnfenced
	}
	return d.classify("remove "+name, err, false)
}
