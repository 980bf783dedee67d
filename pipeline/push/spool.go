package push

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// spool keeps records in memory, compressed: an input may be a pipe, which cannot be read twice. It is written first, then
// read, as often as wanted.
type spool struct {
	blocks [][]byte
	z      *zstd.Encoder // nil before the first record and once it is sealed
	size   [binary.MaxVarintLen64]byte
	n      int
}

const (
	spoolBlock  = 256 << 10
	spoolWindow = 1 << 20
)

// Write takes what the encoder makes, block by block, so that nothing is ever copied to grow.
func (s *spool) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if last := len(s.blocks) - 1; last < 0 || len(s.blocks[last]) == cap(s.blocks[last]) {
			s.blocks = append(s.blocks, make([]byte, 0, spoolBlock))
		}
		last := &s.blocks[len(s.blocks)-1]
		fits := min(len(p), cap(*last)-len(*last))
		*last, p = append(*last, p[:fits]...), p[fits:]
	}
	return n, nil
}

// put adds a record of parts.
func (s *spool) put(parts ...[]byte) error {
	if s.z == nil {
		z, err := zstd.NewWriter(s, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(spoolWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return err
		}
		s.z = z
	}
	s.n++
	if err := s.number(len(parts)); err != nil {
		return err
	}
	for _, p := range parts {
		if err := s.number(len(p)); err != nil {
			return err
		}
		if _, err := s.z.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func (s *spool) number(n int) error {
	_, err := s.z.Write(binary.AppendUvarint(s.size[:0], uint64(n))) //nolint:gosec // a length
	return err
}

// seal ends the writing.
func (s *spool) seal() error {
	if s.z == nil {
		return nil
	}
	err := s.z.Close()
	s.z = nil
	return err
}

// each hands over every record in its order. The parts are the callee's own.
func (s *spool) each(take func(parts [][]byte) error) error {
	if len(s.blocks) == 0 {
		return nil
	}
	all := make([]io.Reader, 0, len(s.blocks))
	for _, b := range s.blocks {
		all = append(all, &blockReader{b})
	}
	z, err := zstd.NewReader(io.MultiReader(all...), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	defer z.Close()
	from := bufio.NewReader(z)
	for {
		n, err := binary.ReadUvarint(from)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		parts := make([][]byte, n)
		for i := range parts {
			size, err := binary.ReadUvarint(from)
			if err != nil {
				return err
			}
			parts[i] = make([]byte, size)
			if _, err := io.ReadFull(from, parts[i]); err != nil {
				return err
			}
		}
		if err := take(parts); err != nil {
			return err
		}
	}
}

type blockReader struct{ rest []byte }

func (b *blockReader) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// putItem adds a contact on its way.
func (s *spool) putItem(i item) error {
	ids := make([]byte, 0, len(i.IDs)*len(Digest{}))
	for _, id := range i.IDs {
		ids = append(ids, id[:]...)
	}
	flags := []byte{0}
	if i.otherwise {
		flags[0] = 1
	}
	if i.Data == nil {
		return s.put(flags, i.Content[:], ids, i.JSON)
	}
	return s.put(flags, i.Content[:], ids, i.JSON, i.Data)
}

// items hands over every contact in its order.
func (s *spool) items(take func(item) error) error {
	return s.each(func(parts [][]byte) error {
		i := item{otherwise: parts[0][0] == 1, Payload: Payload{JSON: parts[3]}}
		copy(i.Content[:], parts[1])
		for ids := parts[2]; len(ids) > 0; ids = ids[len(Digest{}):] {
			i.IDs = append(i.IDs, Digest(ids))
		}
		if len(parts) > 4 {
			i.Data = parts[4]
		}
		return take(i)
	})
}
