package qvf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/cognate-bi/cognate/qvf/container"
)

// A naive reader of the data part: it believes every byte and shares no code
// with the real one. A value is "-" for NULL, else number|text as they are.

type naive struct {
	b  []byte
	at int
}

func (n *naive) u32() int {
	n.at += 4
	return int(binary.LittleEndian.Uint32(n.b[n.at-4:]))
}

func (n *naive) bytes(k int) []byte { n.at += k; return n.b[n.at-k : n.at] }

func (n *naive) str(wide bool) string {
	k := int(n.bytes(1)[0])
	if k == 255 && wide {
		k = n.u32()
	} else if k == 255 {
		if k = int(binary.LittleEndian.Uint16(n.bytes(2))); k == 65535 {
			k = n.u32()
		}
	}
	return string(n.bytes(k))
}

func (n *naive) zlib() []byte {
	r, err := zlib.NewReader(bytes.NewReader(n.bytes(n.u32())))
	if err != nil {
		panic(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return b
}

func (n *naive) format() {
	n.bytes(12)
	for range 3 {
		n.str(false)
	}
}

func naiveSymbols(raw []byte) (out []string) {
	n := &naive{b: raw}
	n.format()
	n.u32()
	n.format()
	n.u32()
	kind, base := n.u32(), int(int32(n.u32()))
	if kind == 6 {
		n.u32()
		for range n.u32() {
			out = append(out, fmt.Sprintf("%v|", float64(int32(n.u32()))))
		}
		return out
	}
	var block []byte
	total := n.u32()
	n.u32()
	for len(block) < total {
		block = append(block, n.zlib()...)
	}
	s := &naive{b: block}
	if len(block) == 4 {
		for i := range s.u32() {
			out = append(out, fmt.Sprintf("%v|", float64(base+i)))
		}
		return out
	}
	s.u32()
	for range s.u32() {
		kind, text, num := s.bytes(1)[0], "", ""
		if kind >= 4 {
			text = s.str(true)
		}
		switch kind {
		case 1, 5:
			num = fmt.Sprint(float64(int32(s.u32())))
		case 2, 6:
			num = fmt.Sprint(math.Float64frombits(binary.LittleEndian.Uint64(s.bytes(8))))
		}
		out = append(out, num+"|"+text)
	}
	return out
}

// naiveData returns the cells of all tables, by "table.field".
func naiveData(c *container.Container) map[string][]string {
	stream := func(path string) []byte {
		b, err := c.Read(path)
		if err != nil {
			panic(err)
		}
		return b
	}
	out := map[string][]string{}
	h := &naive{b: stream("/qvapp_data")}
	h.str(false)
	h.u32()
	var fields []string
	for range h.u32() {
		fields = append(fields, h.str(false))
	}
	for _, e := range c.Entries() {
		if !strings.HasPrefix(e.Path, "/data/table_") {
			continue
		}
		t := &naive{b: stream(e.Path)}
		table := t.str(false)
		t.str(false)
		t.bytes(8)
		columns, rows := make([][6]int, t.u32()), t.u32()
		t.bytes(12)
		for i := range columns {
			for j := range columns[i] {
				columns[i][j] = t.u32()
			}
			t.bytes(3)
		}
		t.u32()
		for _, col := range columns {
			field, bias, width := col[1], int(int32(col[2])), col[5]
			symbols := naiveSymbols(stream(fmt.Sprint("/data/field_", field)))
			var data []byte
			if width > 0 && rows > 0 {
				t.u32()
				data = t.zlib()
			}
			cells := []string{}
			for row := range rows {
				index := bias
				for bit := range width {
					at := row*width + bit
					index += int(data[at/8]>>(at%8)&1) << bit
				}
				cell := "-"
				if index >= 0 {
					cell = symbols[index]
				}
				cells = append(cells, cell)
			}
			out[table+"."+fields[field]] = cells
		}
	}
	return out
}
