package storage

// valueBytes is the size of a dual.Value on a 64-bit machine.
const valueBytes = 40

// Usage is the memory of a part of the data, in bytes.
type Usage struct {
	SymbolBytes int64 // symbol table, its look-up index not included
	IndexBytes  int64 // look-up index of the symbol table
	DictBytes   int64 // expanded values, made for fields that expressions use
	CodeBytes   int64 // codes of all columns
	ValueBytes  int64 // flat vectors of measures
	MappedBytes int64 // symbols and codes in use in a mapped file; memory that the system takes back when it needs it
}

// Total returns the sum of all parts that are the process's own.
func (u Usage) Total() int64 {
	return u.SymbolBytes + u.IndexBytes + u.DictBytes + u.CodeBytes + u.ValueBytes
}

func (u *Usage) add(o Usage) {
	u.SymbolBytes += o.SymbolBytes
	u.IndexBytes += o.IndexBytes
	u.DictBytes += o.DictBytes
	u.CodeBytes += o.CodeBytes
	u.ValueBytes += o.ValueBytes
	u.MappedBytes += o.MappedBytes
}

// Memory returns the memory of all fields and columns.
func (c *Catalog) Memory() (u Usage) {
	for _, f := range c.order {
		u.add(f.Memory())
	}
	counted := map[*Column]bool{} // tables may share columns
	for _, t := range c.tables {
		for _, c := range t.Columns {
			if counted[c] {
				continue
			}
			counted[c] = true
			u.CodeBytes += c.sizeBytes()
			u.ValueBytes += c.values.Load().sizeBytes()
			if c.isReady() && c.mapped {
				u.MappedBytes += c.codeBytes()
			}
		}
	}
	return u
}

// Memory returns the memory of the field's symbol table.
func (f *Field) Memory() Usage {
	if !f.Symbols.isReady() {
		return Usage{}
	}
	index := f.Symbols.indexBytes()
	u := Usage{SymbolBytes: f.Symbols.sizeBytes() - index, IndexBytes: index}
	if f.Symbols.mapped {
		u.MappedBytes = f.Symbols.fixedBytes()
	}
	if d := f.dict.Load(); d != nil {
		u.DictBytes = int64(len(d.Vals)) * valueBytes
		if f.Symbols.packed.any() { // else they are the symbol table's own
			u.DictBytes += int64(8 * len(d.Nums))
		}
	}
	return u
}

// Memory returns the memory of the codes of all columns of the table, in
// bytes.
func (t *Table) Memory() (n int64) {
	for _, c := range t.Columns {
		n += c.sizeBytes()
	}
	return n
}

// Memory returns the memory of the column's codes, in bytes.
func (c *Column) Memory() int64 { return c.sizeBytes() }
