package qvd

import (
	"context"
	"encoding/binary"
	"io"
)

// A packGroup is a run of fields whose bits fit one 64-bit word that begins at
// a byte of the record.
type packGroup struct {
	at      int // first byte in the record
	columns []packColumn
}

type packColumn struct {
	column *outColumn
	shift  int // first bit in the word
}

// groups divides the fields, which the writer lays out in ascending order.
func (w *writer) groups() (groups []packGroup) {
	for i := range w.header.Fields {
		f := &w.header.Fields[i]
		if f.BitWidth == 0 {
			continue
		}
		if n := len(groups); n == 0 || f.BitOffset+f.BitWidth > int64(groups[n-1].at)*8+64 {
			groups = append(groups, packGroup{at: int(f.BitOffset / 8)})
		}
		g := &groups[len(groups)-1]
		g.columns = append(g.columns, packColumn{&w.columns[i], int(f.BitOffset) - g.at*8})
	}
	return groups
}

// A packer makes blocks of records; its memory is used again.
type packer struct {
	records []byte
	codes   []uint32
	words   [][]uint64 // of each group, one per row
	done    chan struct{}
}

// records writes the index table: blocks are packed by several goroutines
// and written in order.
func (w *writer) records(ctx context.Context, to io.Writer) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	turns := make(chan *packer, w.workers) // blocks in their order
	free := make(chan *packer, w.workers+1)
	for range w.workers + 1 {
		free <- &packer{done: make(chan struct{}, 1)}
	}
	go w.packAll(ctx, free, turns)
	for p := range turns {
		<-p.done
		if err == nil {
			if _, err = to.Write(p.records); err != nil {
				cancel() // and wait for what is under way
			}
		}
		free <- p
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// packAll packs all blocks, with packers as they become free, and sends them
// in order; it closes turns at the end or when ctx is done.
func (w *writer) packAll(ctx context.Context, free <-chan *packer, turns chan<- *packer) {
	defer close(turns)
	groups := w.groups()
	size := int(w.header.RecordBytes)
	step := max(64, blockBytes/size)
	for lo := 0; lo < w.table.Rows && ctx.Err() == nil; lo += step {
		p := <-free
		go func() {
			p.pack(groups, lo, min(step, w.table.Rows-lo), size)
			p.done <- struct{}{}
		}()
		turns <- p
	}
}

// pack makes the records of n rows from lo on.
func (p *packer) pack(groups []packGroup, lo, n, size int) {
	const slack = 8
	if cap(p.codes) < n {
		p.codes = make([]uint32, n)
		p.records = make([]byte, n*size+slack)
		p.words = make([][]uint64, len(groups))
		for i := range p.words {
			p.words[i] = make([]uint64, n)
		}
	}
	for i := range groups {
		p.merge(p.words[i][:n], &groups[i], lo)
	}
	records := p.records[:n*size+slack]
	clear(records)
	// Words are stored in ascending order: the upper bytes of one, which are 0,
	// are overwritten by what follows; the lowest is shared with the one before.
	for row := range n {
		record := records[row*size : (row+1)*size+slack]
		for i := range groups {
			b := record[groups[i].at:]
			binary.LittleEndian.PutUint64(b, p.words[i][row]|uint64(b[0]))
		}
	}
	p.records = records[: n*size : n*size+slack]
}

// merge puts the stored numbers of a group's fields into one word per row.
func (p *packer) merge(words []uint64, g *packGroup, lo int) {
	codes := p.codes[:len(words)]
	for i, c := range g.columns {
		c.column.col.Through(codes, lo, c.column.stored)
		if i == 0 {
			for r, code := range codes {
				words[r] = uint64(code) << c.shift
			}
			continue
		}
		for r, code := range codes {
			words[r] |= uint64(code) << c.shift
		}
	}
}
