package arrowio

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/cognate-bi/cognate/storage/dual"
)

// A pageColumn reads a column of a Parquet file page by page. It leaves the
// indices of dictionary pages as they are, where [pqarrow] looks each of them
// up, and reads flat columns of common types only: others are left to it.
type pageColumn struct {
	decoder
	file     *file.Reader   // of its own, so that its pages take turns in one buffer
	at       int            // number of the column in the file
	kind     arrow.DataType // of the values as they lie in pages
	fixed    int            // bytes of a value, 0 for texts
	optional bool           // there are definition levels

	group int // next row group
	pages file.PageReader
	dict  *dual.Dict // of the column chunk; its last entry is NULL

	// Of the data page:
	left    int     // values
	levels  *hybrid // 1 for a value, 0 for NULL; nil: there are no NULLs
	indices *hybrid // into dict; nil: values are
	values  []byte  // plain
	present []uint32

	// Memory of vectors that nobody uses any more.
	codes chan []uint32
	nums  chan []float64
}

// newPageColumn returns column at of a file, nil where [pqarrow] has to read
// it. f is what pf reads from.
func newPageColumn(f parquet.ReaderAtSeeker, pf *file.Reader, at int, kind arrow.DataType, formats Formats) (*pageColumn, error) {
	c := pf.MetaData().Schema.Column(at)
	kind, fixed := pageable(c, kind)
	if kind == nil {
		return nil, nil
	}
	props := parquet.NewReaderProperties(&onePage{})
	props.BufferedStreamEnabled = true
	own, err := file.NewParquetReader(f, file.WithReadProps(props), file.WithMetadata(pf.MetaData()))
	if err != nil {
		return nil, err
	}
	const spares = 3 // batches that may be in use
	return &pageColumn{
		decoder: decoder{formats: formats}, file: own, at: at, kind: kind, fixed: fixed, optional: c.MaxDefinitionLevel() > 0,
		codes: make(chan []uint32, spares), nums: make(chan []float64, spares),
	}, nil
}

// free takes the memory of a vector that it made back.
func (c *pageColumn) free(v *dual.Vector) {
	switch {
	case v.Codes != nil:
		select {
		case c.codes <- v.Codes:
		default:
		}
	case v.Codes == nil && !v.Const && v.Dict.Vals == nil:
		select {
		case c.nums <- v.Dict.Nums:
		default:
		}
	}
}

// spare returns a slice of n elements, whatever they are.
func spare[T any](spares <-chan []T, n int) []T {
	select {
	case s := <-spares:
		if cap(s) >= n {
			return s[:n]
		}
	default:
	}
	return make([]T, n)
}

// pageable returns how the values of a column lie in pages; nil where
// [pqarrow] has to read them.
func pageable(c *schema.Column, kind arrow.DataType) (plain arrow.DataType, fixed int) {
	if c.MaxRepetitionLevel() != 0 || c.MaxDefinitionLevel() > 1 || len(c.ColumnPath()) != 1 {
		return nil, 0
	}
	if d, ok := kind.(*arrow.DictionaryType); ok {
		kind = d.ValueType
	}
	switch c.PhysicalType() {
	case parquet.Types.Int32:
		switch kind.ID() {
		case arrow.INT8, arrow.INT16, arrow.UINT8, arrow.UINT16:
			return arrow.PrimitiveTypes.Int32, 4
		case arrow.INT32, arrow.UINT32, arrow.DATE32, arrow.TIME32:
			return kind, 4
		}
	case parquet.Types.Int64:
		switch kind.ID() {
		case arrow.INT64, arrow.UINT64, arrow.TIMESTAMP, arrow.TIME64:
			return kind, 8
		}
	case parquet.Types.Float:
		if kind.ID() == arrow.FLOAT32 {
			return kind, 4
		}
	case parquet.Types.Double:
		if kind.ID() == arrow.FLOAT64 {
			return kind, 8
		}
	case parquet.Types.ByteArray:
		if kind.ID() == arrow.STRING || kind.ID() == arrow.BINARY {
			return kind, 0
		}
	}
	return nil, 0
}

// next implements [column].
func (c *pageColumn) next(n int) (dual.Vector, error) {
	var parts []dual.Vector
	for n > 0 {
		if c.left == 0 {
			if err := c.nextPage(); err != nil {
				return dual.Vector{}, err
			}
			continue
		}
		take := min(n, c.left)
		v, err := c.read(take)
		if err != nil {
			return dual.Vector{}, err
		}
		parts = append(parts, v)
		c.left -= take
		n -= take
	}
	return join(parts), nil
}

// nextPage goes on to the next data page.
func (c *pageColumn) nextPage() error {
	for c.pages == nil || !c.pages.Next() {
		if c.pages != nil && c.pages.Err() != nil {
			return c.pages.Err()
		}
		if c.group == c.file.NumRowGroups() {
			return fmt.Errorf("%w: too few values", ErrFormat)
		}
		pages, err := c.file.RowGroup(c.group).GetColumnPageReader(c.at)
		if err != nil {
			return err
		}
		c.group++
		c.pages, c.dict = pages, nil
	}
	switch p := c.pages.Page().(type) {
	case *file.DictionaryPage:
		return c.dictionaryPage(p)
	case *file.DataPageV1:
		data := p.Data()
		var levels []byte
		if c.optional {
			if p.DefinitionLevelEncoding() != parquet.Encodings.RLE {
				return fmt.Errorf("%w: levels are encoded as %v", ErrFormat, p.DefinitionLevelEncoding())
			}
			if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
				return fmt.Errorf("%w: levels do not fit their page", ErrFormat)
			}
			size := binary.LittleEndian.Uint32(data)
			levels, data = data[4:4+size], data[4+size:]
		}
		return c.dataPage(p, int(p.NumValues()), levels, data)
	case *file.DataPageV2:
		data, size := p.Data(), int(p.DefinitionLevelByteLen())
		if p.RepetitionLevelByteLen() != 0 || size < 0 || size > len(data) {
			return fmt.Errorf("%w: levels do not fit their page", ErrFormat)
		}
		return c.dataPage(p, int(p.NumValues()), data[:size], data[size:])
	}
	return nil // of another kind, which readers skip
}

// dictionaryPage reads the values that the indices of the column chunk mean.
func (c *pageColumn) dictionaryPage(p *file.DictionaryPage) error {
	n := int(p.NumValues())
	values, err := c.plain(p.Data(), n, new(int))
	if err != nil {
		return err
	}
	c.dict = &dual.Dict{}
	if values.Codes == nil && !values.Const && values.Dict.Nums != nil {
		c.dict.Format = values.Dict.Format
		c.dict.Nums = append(values.Dict.Nums[:n:n], math.NaN()) // a copy, as nums are used again
		return nil
	}
	c.dict.Vals = make([]dual.Value, n+1)
	for i := range n {
		c.dict.Vals[i] = values.At(i)
	}
	return nil
}

// dataPage begins a data page.
func (c *pageColumn) dataPage(p file.Page, n int, levels, data []byte) (err error) {
	c.left, c.levels, c.indices, c.values = n, nil, nil, nil
	if c.optional {
		if c.levels, err = newHybrid(levels, 1); err != nil {
			return err
		}
		if n > 0 {
			if err := c.levels.next(); err != nil {
				return err
			}
			if c.levels.same && c.levels.value == 1 && c.levels.left >= n {
				c.levels = nil // no NULL in all of the page
			}
		}
	}
	switch parquet.Encoding(p.Encoding()) {
	case parquet.Encodings.Plain:
		c.values = data
		return nil
	case parquet.Encodings.PlainDict, parquet.Encodings.RLEDict:
		if c.dict == nil {
			return fmt.Errorf("%w: indices without a dictionary", ErrFormat)
		}
		if len(data) == 0 { // as for a page of NULLs
			data = []byte{0}
		}
		c.indices, err = newHybrid(data[1:], int(data[0]))
		return err
	}
	return fmt.Errorf("%w: values are encoded as %v", ErrFormat, p.Encoding())
}

// read returns the next n values of the page.
func (c *pageColumn) read(n int) (dual.Vector, error) {
	there := n
	if c.levels != nil {
		c.present = append(c.present[:0], make([]uint32, n)...)
		if err := c.levels.read(c.present); err != nil {
			return dual.Vector{}, err
		}
		there = 0
		for _, p := range c.present {
			there += int(p)
		}
	}
	if c.indices != nil {
		return c.readIndices(n, there)
	}
	used := 0
	v, err := c.plain(c.values, there, &used)
	if err != nil {
		return dual.Vector{}, err
	}
	c.values = c.values[used:]
	if there == n {
		return v, nil
	}
	at := make([]int32, n)
	next := int32(0)
	for i, p := range c.present {
		at[i] = -1
		if p != 0 {
			at[i] = next
			next++
		}
	}
	return v.Gather(at), nil
}

// readIndices returns the next n values, of which so many are no NULLs, of a
// page with indices.
func (c *pageColumn) readIndices(n, there int) (dual.Vector, error) {
	codes := spare(c.codes, n)
	if err := c.indices.read(codes[:there]); err != nil {
		return dual.Vector{}, err
	}
	null := uint32(c.dict.Len() - 1)
	top := uint32(0)
	for _, code := range codes[:there] {
		top = max(top, code)
	}
	if there > 0 && top >= null {
		return dual.Vector{}, fmt.Errorf("%w: index %d into a dictionary of %d", ErrFormat, top, null)
	}
	if there < n { // spread them, from the end
		for i := n - 1; i >= 0; i-- {
			if c.present[i] == 0 {
				codes[i] = null
			} else {
				there--
				codes[i] = codes[there]
			}
		}
	}
	return dual.Coded(codes, c.dict), nil
}

// plain reads n values one after the other, of used bytes.
func (c *pageColumn) plain(data []byte, n int, used *int) (dual.Vector, error) {
	if c.fixed == 0 {
		return c.texts(data, n, used)
	}
	if n > len(data)/c.fixed {
		return dual.Vector{}, fmt.Errorf("%w: %d values of %d bytes in %d", ErrFormat, n, c.fixed, len(data))
	}
	*used = n * c.fixed
	data = data[:*used]
	switch c.kind.ID() {
	case arrow.INT32:
		nums := spare(c.nums, n)
		for i := range nums {
			nums[i] = float64(int32(binary.LittleEndian.Uint32(data[4*i:])))
		}
		return dual.Nums(nums, nil), nil
	case arrow.INT64:
		nums := spare(c.nums, n)
		for i := range nums {
			nums[i] = float64(int64(binary.LittleEndian.Uint64(data[8*i:])))
		}
		return dual.Nums(nums, nil), nil
	case arrow.FLOAT64:
		nums := spare(c.nums, n)
		for i := range nums {
			nums[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
		return dual.Nums(nums, nil), nil
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(aligned(data, c.fixed))}
	return c.array(array.MakeFromData(array.NewData(c.kind, n, buffers, nil, 0, 0)))
}

// texts reads n texts, each behind its length.
func (c *pageColumn) texts(data []byte, n int, used *int) (dual.Vector, error) {
	if n > len(data)/4 {
		return dual.Vector{}, fmt.Errorf("%w: %d texts in %d bytes", ErrFormat, n, len(data))
	}
	ends := make([]int32, n+1)
	text := make([]byte, 0, len(data)-4*n)
	at := 0
	for i := range n {
		if len(data)-at < 4 || uint64(binary.LittleEndian.Uint32(data[at:])) > uint64(len(data)-at-4) {
			return dual.Vector{}, fmt.Errorf("%w: text %d of %d does not fit its page", ErrFormat, i, n)
		}
		size := int(binary.LittleEndian.Uint32(data[at:]))
		text = append(text, data[at+4:at+4+size]...)
		ends[i+1] = int32(len(text))
		at += 4 + size
	}
	*used = at
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(ends)), memory.NewBufferBytes(text)}
	return texts(array.MakeFromData(array.NewData(c.kind, n, buffers, nil, 0, 0))), nil
}
