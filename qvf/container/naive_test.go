package container

import "encoding/binary"

// naiveStreams is a reader that believes what stands in a file, and is short
// enough to be believed itself.
func naiveStreams(file []byte) map[string][]byte {
	out := map[string][]byte{}
	naiveDir(file, binary.LittleEndian.Uint64(file[0x40:]), "", out)
	return out
}

func naiveDir(file []byte, desc uint64, path string, out map[string][]byte) {
	cells := naiveContent(file, desc)
	for i := 0; i < len(cells)/64; i++ {
		kind := cells[i*64] & 7
		if kind != 3 && kind != 7 {
			continue
		}
		var rec []byte
		more := int(binary.LittleEndian.Uint32(cells[i*64+4:]))
		for k := i; k <= i+more; k++ {
			rec = append(rec, cells[k*64+4:k*64+64]...)
		}
		at := binary.LittleEndian.Uint64(rec[12:])
		name := path + "/" + string(rec[32:32+binary.LittleEndian.Uint32(rec[28:])])
		if kind == 7 {
			naiveDir(file, at, name, out)
		} else {
			out[name] = naiveContent(file, at)
		}
		i += more
	}
}

func naiveContent(file []byte, desc uint64) []byte {
	return naiveList(file, desc+0x30, 0x1D0)[:binary.LittleEndian.Uint64(file[desc:])]
}

func naiveList(file []byte, at, size uint64) (out []byte) {
	for p := at; p < at+size; p += 16 {
		off, n := binary.LittleEndian.Uint64(file[p:]), binary.LittleEndian.Uint64(file[p+8:])
		switch {
		case n == 0:
			return out
		case n>>63 == 1:
			out = append(out, naiveList(file, off, n<<1>>1)...)
		default:
			out = append(out, file[off:off+n]...)
		}
	}
	return out
}
