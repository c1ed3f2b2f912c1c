"""A client that knows troupe.proto alone: it is given the address and what to do, and prints what came of it as JSON.

Its first argument is the directory of troupe_pb2, which protoc has made. Needs Debian's python3-grpcio and
python3-protobuf.
"""
import base64
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
import grpc  # noqa: E402
import troupe_pb2 as protos  # noqa: E402


class Stub:
    def __init__(self, channel):
        to_bytes = lambda message: message.SerializeToString()  # noqa: E731
        self.Connect = channel.stream_stream("/troupe.v1.Transport/Connect", to_bytes, protos.Frame.FromString)
        self.Call = channel.unary_unary("/troupe.v1.Calls/Call", to_bytes, protos.CallResponse.FromString)
        self.Watch = channel.unary_stream("/troupe.v1.Calls/Watch", to_bytes, protos.Chunk.FromString)


def encoded(data):
    return base64.b64encode(data).decode()


def frames_of(messages):
    """Puts the pieces of frames together."""
    pieces = b""
    for message in messages:
        pieces += message.payload
        if message.remaining == 0:
            yield pieces
            pieces = b""


def echo(stub, args):
    """Sends frames, says that it closes, and reads the echo until the server ends the call."""
    sent = [bytes([i % 256]) * args["size"] for i in range(args["count"])]
    calls = stub.Connect(protos.Frame(payload=frame) for frame in sent)
    got = list(frames_of(calls))
    return {"same": got == sent, "count": len(got), "code": calls.code().name}


def pieces(stub, args):
    """Sends one large frame in pieces of its own size, and reads it again."""
    frame = os.urandom(args["size"])
    step = args["step"]

    def messages():
        for at in range(0, len(frame), step):
            payload = frame[at : at + step]
            yield protos.Frame(payload=payload, remaining=len(frame) - at - len(payload))

    calls = stub.Connect(messages())
    got = list(frames_of(calls))
    return {"same": got == [frame], "code": calls.code().name}


def refused(stub, args):
    """Sends one message, and says with which status the call ended."""
    calls = stub.Connect(iter([protos.Frame(payload=bytes(args["payload"]), remaining=args["remaining"])]))
    try:
        list(calls)
    except grpc.RpcError:
        pass
    return {"code": calls.code().name, "details": calls.details()}


def call(stub, args):
    try:
        answer, done = stub.Call.with_call(
            protos.CallRequest(route=args["route"], payload=args["payload"].encode()),
            timeout=args.get("timeout"),
            metadata=(("tenant", "blue"), ("token-bin", b"\x00\xff")),
        )
        return {"payload": encoded(answer.payload), "code": done.code().name}
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": error.details()}


def watch(stub, args):
    answers = stub.Watch(protos.CallRequest(route=args["route"], payload=args["payload"].encode()))
    got = []
    try:
        for answer in answers:
            got.append(encoded(answer.payload))
            if len(got) == args.get("take"):
                answers.cancel()
                break
    except grpc.RpcError:
        pass
    return {"payloads": got, "code": answers.code().name}


def channel(address, tls):
    if tls is None:
        return grpc.insecure_channel(address)
    texts = {name: text.encode() for name, text in tls.items()}
    return grpc.secure_channel(
        address,
        grpc.ssl_channel_credentials(texts.get("authority"), texts.get("key"), texts.get("certificate")),
    )


given = json.load(sys.stdin)
doing = {"echo": echo, "pieces": pieces, "refused": refused, "call": call, "watch": watch}
with channel(given["address"], given.get("tls")) as opened:
    stub = Stub(opened)
    results = [doing[name](stub, args) for name, args in given["do"]]
print(json.dumps(results))
