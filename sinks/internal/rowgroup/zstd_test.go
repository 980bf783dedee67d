package rowgroup

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
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
			for name, page := range inputs {
				dst := make([]byte, len(page))
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
	pooledZstd{}.Decode(make([]byte, 128<<10), packed[:len(packed)/2])
}

func TestAPageThatIsLongerThanItsHeadTellsIsNoPage(t *testing.T) {
	const long = 64 << 20
	var streamed bytes.Buffer // of which nothing tells how long it is
	w := pooledZstd{}.NewWriter(&streamed)
	if _, err := w.Write(make([]byte, long)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, packed := range map[string][]byte{"of known length": pooledZstd{}.Encode(nil, make([]byte, long)), "streamed": streamed.Bytes()} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it was decoded", name)
				}
			}()
			pooledZstd{}.Decode(make([]byte, 1000), packed)
		}()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > long/4 {
			t.Errorf("%s: %d MiB were allocated to find out", name, took>>20)
		}
	}
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
		if back := (pooledZstd{}).Decode(make([]byte, len(page)), packed.Bytes()); !bytes.Equal(back, page) {
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
