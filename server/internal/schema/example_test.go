package schema_test

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"chatroom/server/internal/schema"
)

// A browser sends a move of a game as JSON, and then one that leaves the board.
func Example() {
	app, err := schema.Open("testdata/app.binpb")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(app.Types())

	from := protojson.UnmarshalOptions{Resolver: app.Resolver()}
	for _, json := range []string{
		`{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":4}`,
		`{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":8,"y":4}`,
	} {
		var payload anypb.Any
		if err := from.Unmarshal([]byte(json), &payload); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("% x: %v\n", payload.GetValue(), app.Check(&payload))
	}
	// Output:
	// [game.v1.Move game.v1.Resign]
	// 0a 05 71 75 65 65 6e 10 03 18 04: <nil>
	// 0a 05 71 75 65 65 6e 10 08 18 04: x: must be greater than or equal to 0 and less than or equal to 7
}
