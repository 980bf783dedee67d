package rowgroup

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// stockZstd is Arrow's own codec, taken before ours replaces it.
var stockZstd = func() compress.Codec {
	c, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		panic(err)
	}
	return c
}()

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b) //nolint:errcheck // it never fails
	return b
}

// pages are inputs of a page's kinds and sizes.
func pages() map[string][]byte {
	var text strings.Builder
	for i := 0; text.Len() < 3<<20; i++ {
		fmt.Fprintf(&text, "call %d, voice, 2025-09-08 10:%02d:00\n", i, i%60)
	}
	long := []byte(text.String())[:3<<20]
	return map[string][]byte{
		"empty": {}, "a byte": {'x'}, "tiny": []byte("voice"), "noise": noise(100_000), "128 KiB": long[:128<<10], "zeros": make([]byte, 128<<10),
		"3 MiB": long, "3 MiB of noise": noise(3 << 20),
	}
}

// streamed decodes with a reader of its own, checking the frame to its end.
func streamed(b []byte) ([]byte, error) {
	r, err := zstd.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestCompressedPagesAreReadByOtherDecoders(t *testing.T) {
	inputs := pages()
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			var dst []byte // one page's memory serves the next, as in the writer
			for name, page := range inputs {
				for _, level := range []int{compress.DefaultCompressionLevel, 1, 3, 9} {
					dst = pooledZstd{}.EncodeLevel(dst, page, level)
					if back, err := streamed(dst); err != nil || !bytes.Equal(back, page) {
						t.Errorf("%s at level %d: %d bytes came back as %d, %v", name, level, len(page), len(back), err)
					}
					if back := stockZstd.Decode(nil, dst); !bytes.Equal(back, page) {
						t.Errorf("%s at level %d: Arrow's codec reads %d bytes as %d", name, level, len(page), len(back))
					}
				}
				dst = pooledZstd{}.Encode(dst, page)
				if back, err := streamed(dst); err != nil || !bytes.Equal(back, page) {
					t.Errorf("%s: %d bytes came back as %d, %v", name, len(page), len(back), err)
				}
			}
		})
	}
	workers.Wait()
}

func TestPagesThatOthersCompressedAreRead(t *testing.T) {
	inputs := pages()
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			var dst []byte
			for name, page := range inputs {
				if dst = (pooledZstd{}).Decode(dst, stockZstd.Encode(nil, page)); !bytes.Equal(dst, page) {
					t.Errorf("%s: %d bytes of Arrow's codec are read as %d", name, len(page), len(dst))
				}
			}
		})
	}
	workers.Wait()
}

func TestADamagedPageIsNoPage(t *testing.T) {
	packed := pooledZstd{}.Encode(nil, pages()["128 KiB"])
	defer func() {
		if recover() == nil {
			t.Error("half a page was decoded")
		}
	}()
	pooledZstd{}.Decode(nil, packed[:len(packed)/2])
}

func TestTheStreamsOfTheCodecAreThoseOfItsPages(t *testing.T) {
	for name, page := range pages() {
		var packed bytes.Buffer
		w, err := pooledZstd{}.NewWriterLevel(&packed, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(page); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if back := (pooledZstd{}).Decode(nil, packed.Bytes()); !bytes.Equal(back, page) {
			t.Errorf("%s: %d bytes of a stream are read as %d", name, len(page), len(back))
		}
		r := pooledZstd{}.NewReader(bytes.NewReader(pooledZstd{}.Encode(nil, page)))
		if back, err := io.ReadAll(r); err != nil || !bytes.Equal(back, page) {
			t.Errorf("%s: %d bytes are streamed as %d, %v", name, len(page), len(back), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNothingCompressedExceedsItsBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	all := noise(1 << 20)
	sizes := []int{0, 1, 2, 127<<10 + 1023, 128<<10 - 1, 128 << 10, 128<<10 + 1, 256<<10 + 1, 1 << 20}
	for range 60 {
		sizes = append(sizes, rng.IntN(1<<(1+rng.IntN(20))))
	}
	for _, n := range sizes {
		for _, level := range []int{compress.DefaultCompressionLevel, 1, 9} {
			if got, bound := len(pooledZstd{}.EncodeLevel(nil, all[:n], level)), (pooledZstd{}).CompressBound(int64(n)); int64(got) > bound {
				t.Errorf("%d bytes of noise at level %d become %d, more than %d", n, level, got, bound)
			}
		}
	}
}
