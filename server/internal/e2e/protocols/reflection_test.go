package protocols

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	chatv1 "chatroom/gen/chat/v1"
	hellopb "chatroom/gen/hello"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/testenv"
)

// reflection is a client's stream of grpc.reflection.
type reflection struct {
	*grpc.GenericClientStream[reflectionv1.ServerReflectionRequest, reflectionv1.ServerReflectionResponse]
}

// The messages of v1alpha are those of v1 under another name, which the wire
// doesn't carry.
var reflectionMethods = map[string]string{
	"v1":      reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName,
	"v1alpha": "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}

func (r reflection) ask(t *testing.T, request *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
	t.Helper()
	harness.Must(t, r.Send(request))
	response, err := r.Recv()
	harness.Must(t, err)
	if refused := response.GetErrorResponse(); refused != nil {
		t.Fatalf("answer to %v: %v", request, refused)
	}
	return response
}

func (r reflection) services(t *testing.T) []string {
	t.Helper()
	list := r.ask(t, &reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{ListServices: "*"},
	})
	var names []string
	for _, service := range list.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names
}

// resolve builds a service's descriptor from what the server gives alone, asking
// for each file that is imported and did not come along.
func (r reflection) resolve(t *testing.T, name string) (protoreflect.ServiceDescriptor, []string) {
	t.Helper()
	files := make(map[string]*descriptorpb.FileDescriptorProto)
	missing := []*reflectionv1.ServerReflectionRequest{{
		MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
	}}
	for len(missing) > 0 {
		response := r.ask(t, missing[0])
		missing = missing[1:]
		for _, encoded := range response.GetFileDescriptorResponse().GetFileDescriptorProto() {
			file := new(descriptorpb.FileDescriptorProto)
			harness.Must(t, proto.Unmarshal(encoded, file))
			files[file.GetName()] = file
		}
		for _, file := range files {
			for _, dependency := range file.GetDependency() {
				if files[dependency] == nil && len(missing) == 0 {
					missing = append(missing, &reflectionv1.ServerReflectionRequest{
						MessageRequest: &reflectionv1.ServerReflectionRequest_FileByFilename{FileByFilename: dependency},
					})
				}
			}
		}
	}
	var set descriptorpb.FileDescriptorSet
	var names []string
	for _, file := range files {
		set.File = append(set.File, file)
		names = append(names, file.GetName())
	}
	registry, err := protodesc.NewFiles(&set)
	harness.Must(t, err)
	d, err := registry.FindDescriptorByName(protoreflect.FullName(name))
	harness.Must(t, err)
	return d.(protoreflect.ServiceDescriptor), names
}

// A client without the contract's files gets the contract from the server.
func TestReflection(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for version, method := range reflectionMethods {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			stream, err := harness.NewGRPCStream[reflectionv1.ServerReflectionRequest, reflectionv1.ServerReflectionResponse](harness.Context(t), harness.DialGRPC(t, s), harness.BidiStream, method)
			harness.Must(t, err)
			r := reflection{stream}
			services := r.services(t)
			for _, want := range []protoreflect.FileDescriptor{chatv1.File_chat_v1_chat_room_proto, chatv1.File_chat_v1_moderation_proto, hellopb.File_hello_chat_room_proto} {
				room := want.Services().Get(0)
				if !slices.Contains(services, string(room.FullName())) {
					t.Errorf("services = %q, want %s in it", services, room.FullName())
				}
				got, files := r.resolve(t, string(room.FullName()))
				if !proto.Equal(protodesc.ToServiceDescriptorProto(got), protodesc.ToServiceDescriptorProto(room)) {
					t.Errorf("%s = %v, want %v", room.FullName(), got, room)
				}
				if room.FullName() == "chat.v1.ChatRoom" && !slices.Contains(files, "buf/validate/validate.proto") {
					t.Errorf("files of %s = %q, want the one with the rules too", room.FullName(), files)
				}
			}
		})
	}
}

// buf curl knows of the contract what reflection tells it.
func TestBufCurl(t *testing.T) {
	testenv.RequireFull(t, "buf takes two minutes to build the first time")
	t.Parallel()
	s := harness.Start(t)
	// Long enough for a first build.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	buf := func(method, data string, args ...string) string {
		t.Helper()
		args = append([]string{"tool", "-modfile=../../../../tools/go.mod", "buf", "curl", "--http2-prior-knowledge", "-d", data}, args...)
		command := exec.CommandContext(ctx, harness.RequireTool(t, "go"), append(args, s.URL+"/"+method)...)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
		return strings.Join(strings.Fields(string(out)), "")
	}
	for i, by := range []struct{ protocol, reflection string }{
		{"grpc", "grpc-v1"}, {"grpcweb", "grpc-v1"}, {"connect", "grpc-v1"}, {"grpc", "grpc-v1alpha"},
	} {
		said := fmt.Sprintf(`{"room":"lobby","id":"%d","message":{"text":"hi"}}`, i)
		got := buf("chat.v1.ChatRoom/Send", said, "--protocol", by.protocol, "--reflect-protocol", by.reflection)
		if !strings.Contains(got, `"sequence":"`) {
			t.Errorf("Send by %v = %s, want a sequence", by, got)
		}
	}
	if got := buf("chat.v1.ChatRoom/ListRooms", "{}", "--protocol", "grpc"); !strings.Contains(got, `{"rooms":[{"name":"lobby","head":"`) {
		t.Errorf("ListRooms = %s, want the lobby", got)
	}
}
