// Command chat is chat in the terminal, and in pipes. Run it with -h for its use.
package main

import (
	"os"

	"chatroom/client/chat/internal/cli"
)

func main() { os.Exit(cli.Main()) }
