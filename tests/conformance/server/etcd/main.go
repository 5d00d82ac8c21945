// The etcd behind the server that the sandbox is compared with. Debian's is too old to tell how far a watch is.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
