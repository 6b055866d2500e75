// Command asm generates the assembly of package simd, a file of kernels per
// call: `make generate` runs `go run . -file unpack -out ../unpack_amd64.s
// -pkg simd` and the like in this folder. It is a module of its own, so that
// avo is no dependency of the product.
package main

import (
	"flag"
	"log"

	"github.com/mmcloughlin/avo/build"
)

// files are the generators by the name of what they generate.
var files = map[string]func(){
	"bitmap":    bitmap,
	"member":    member,
	"packed":    packed,
	"rows":      rows,
	"structure": structure,
	"sums":      sums,
	"translate": translate,
	"unpack":    unpack,
}

func main() {
	name := flag.String("file", "", "which file of kernels: its name without _amd64.s")
	flag.Parse()
	generate := files[*name]
	if generate == nil {
		log.Fatalf("no kernels %q", *name)
	}
	build.ConstraintExpr("amd64,!purego")
	generate()
	build.Generate()
}
