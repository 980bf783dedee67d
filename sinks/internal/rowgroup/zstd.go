package rowgroup

import (
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// registerZstd makes the Parquet writer share compressors. Arrow's own codec builds a new compressor, with all its
// tables, for every page.
var registerZstd = sync.OnceFunc(func() {
	compress.RegisterCodec(compress.Codecs.Zstd, pooledZstd{})
})

type pooledZstd struct{}

var (
	// zstdEncoders has one entry for each level that was used. An encoder pools its states itself.
	zstdEncoders sync.Map // zstd.EncoderLevel → *zstd.Encoder
	zstdDecoder  = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	})
)

func encoderLevel(level int) zstd.EncoderLevel {
	if level == compress.DefaultCompressionLevel {
		return zstd.SpeedDefault
	}
	return zstd.EncoderLevelFromZstd(level)
}

func zstdEncoder(l zstd.EncoderLevel) *zstd.Encoder {
	if e, ok := zstdEncoders.Load(l); ok {
		return e.(*zstd.Encoder)
	}
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(l),
		zstd.WithZeroFrames(true),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithEncoderCRC(false), // Parquet's own writers leave it out as well
		zstd.WithWindowSize(1<<20), // nearly every page is smaller
		zstd.WithLowerEncoderMem(true),
	)
	if err != nil {
		panic(err) // the options are constants
	}
	kept, _ := zstdEncoders.LoadOrStore(l, e)
	return kept.(*zstd.Encoder)
}

func (pooledZstd) Encode(dst, src []byte) []byte {
	return zstdEncoder(zstd.SpeedDefault).EncodeAll(src, dst[:0])
}

func (pooledZstd) EncodeLevel(dst, src []byte, level int) []byte {
	return zstdEncoder(encoderLevel(level)).EncodeAll(src, dst[:0])
}

// Decode decodes into dst, which has the size that the page's head tells: what is longer is damaged. It panics on damaged
// input, since the interface has no error. The reader turns the panic into an error.
func (pooledZstd) Decode(dst, src []byte) []byte {
	out, err := zstdDecoder().DecodeAll(src, dst[:0:len(dst)])
	if err != nil {
		panic(fmt.Errorf("zstd: %w", err))
	}
	return out
}

func (pooledZstd) NewReader(r io.Reader) io.ReadCloser {
	d, err := zstd.NewReader(r)
	if err != nil {
		panic(err) // only options can be wrong
	}
	return d.IOReadCloser()
}

func (pooledZstd) NewWriter(w io.Writer) io.WriteCloser {
	e, err := zstd.NewWriter(w)
	if err != nil {
		panic(err) // only options can be wrong
	}
	return e
}

func (pooledZstd) NewWriterLevel(w io.Writer, level int) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderLevel(encoderLevel(level)))
}

// CompressBound is ZSTD_COMPRESSBOUND.
func (pooledZstd) CompressBound(n int64) int64 {
	var extra int64
	if n < 128<<10 {
		extra = (128<<10 - n) >> 11
	}
	return n + n>>8 + extra
}
