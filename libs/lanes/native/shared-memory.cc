// Memory that processes of one host share (an anonymous file, mapped as an ArrayBuffer) and pipes to wake each other.
// Neither has a name, so nothing remains when its owner dies for any reason. Peers open both as /proc/<pid>/fd/<fd>.
#include <node_api.h>

#ifdef __linux__
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <unordered_map>

namespace {

// Without these seals the owner could shrink the file, and a peer that reads beyond its end would die of SIGBUS.
constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

napi_value Throw(napi_env env, const char* what, int error) {
  const std::string message = std::string(what) + ": " + strerror(error);
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

struct Mapping {
  void* data;
  size_t bytes;
};

// The mappings of all threads, by address.
std::mutex mutex;
std::unordered_map<void*, Mapping*> mappings;

// The caller holds the mutex.
void End(Mapping* mapping) {
  if (mapping->data == nullptr) return;
  mappings.erase(mapping->data);
  munmap(mapping->data, mapping->bytes);
  mapping->data = nullptr;
}

void Collected(napi_env, void*, void* mapping) {
  const std::lock_guard<std::mutex> lock(mutex);
  End(static_cast<Mapping*>(mapping));
  delete static_cast<Mapping*>(mapping);
}

/** The ArrayBuffer of a mapping, which ends when the buffer is collected or unmapped. */
napi_value Wrap(napi_env env, void* data, size_t bytes) {
  napi_value buffer;
  Mapping* const mapping = new Mapping{data, bytes};
  {
    const std::lock_guard<std::mutex> lock(mutex);
    mappings[data] = mapping;
  }
  if (napi_create_external_arraybuffer(env, data, bytes, Collected, mapping, &buffer) == napi_ok) return buffer;
  Collected(env, data, mapping);
  napi_throw_error(env, nullptr, "this runtime does not take foreign memory as an ArrayBuffer");
  return nullptr;
}

/** unmap(buffer): unmaps the memory before the buffer is collected; its views are empty from then on. */
napi_value Unmap(napi_env env, napi_callback_info info) {
  size_t count = 1, bytes = 0;
  napi_value buffer;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &buffer, nullptr, nullptr);
  if (napi_get_arraybuffer_info(env, buffer, &data, &bytes) != napi_ok) return nullptr;
  // Detach first: no readable view may outlive its memory.
  if (napi_detach_arraybuffer(env, buffer) != napi_ok) return nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = mappings.find(data);
  if (found != mappings.end()) End(found->second);
  return nullptr;
}

/** create(bytes): { fd, buffer }: zeroed memory that only this process may write to. */
napi_value Create(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  double bytes = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_double(env, argument, &bytes);
  const int fd = memfd_create("lockstep", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return Throw(env, "memfd_create", errno);
  void* data = MAP_FAILED;
  if (ftruncate(fd, static_cast<off_t>(bytes)) == 0 && fcntl(fd, F_ADD_SEALS, kSizeSeals) == 0) {
    data = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (data == MAP_FAILED) {
    const int error = errno;
    close(fd);
    return Throw(env, "shared memory", error);
  }
#ifdef F_SEAL_FUTURE_WRITE
  // From Linux 5.1 on, this seal prevents writes by other processes, even by mistake.
  fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
#endif
  napi_value result, descriptor, buffer = Wrap(env, data, static_cast<size_t>(bytes));
  if (buffer == nullptr) {
    close(fd);
    return nullptr;
  }
  napi_create_object(env, &result);
  napi_create_int32(env, fd, &descriptor);
  napi_set_named_property(env, result, "fd", descriptor);
  napi_set_named_property(env, result, "buffer", buffer);
  return result;
}

/** open(pid, fd, bytes): memory that another process created, as an ArrayBuffer. Writing to it ends this process. */
napi_value Open(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  int32_t pid = 0, theirs = 0;
  double bytes = 0;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  napi_get_value_int32(env, arguments[0], &pid);
  napi_get_value_int32(env, arguments[1], &theirs);
  napi_get_value_double(env, arguments[2], &bytes);
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(theirs);
  // In another container the pid may be another process's: opening its descriptor must not block.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return Throw(env, path.c_str(), errno);
  struct stat status;
  const int seals = fcntl(fd, F_GET_SEALS);
  const bool is_ours = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                       status.st_size == static_cast<off_t>(bytes) && seals >= 0 &&
                       (seals & kSizeSeals) == kSizeSeals;
  void* const data =
      is_ours ? mmap(nullptr, static_cast<size_t>(bytes), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  const int error = is_ours ? errno : EBADF;
  close(fd);
  return data == MAP_FAILED ? Throw(env, path.c_str(), error) : Wrap(env, data, static_cast<size_t>(bytes));
}

/** pipe(): [read, write], the descriptors of a new pipe. */
napi_value Pipe(napi_env env, napi_callback_info) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return Throw(env, "pipe", errno);
  napi_value result;
  napi_create_array_with_length(env, 2, &result);
  for (uint32_t i = 0; i < 2; i++) {
    napi_value descriptor;
    napi_create_int32(env, ends[i], &descriptor);
    napi_set_element(env, result, i, descriptor);
  }
  return result;
}

// Nothing can end a thread that blocks here.
constexpr int kLongestWaitMs = 500;

/** drain(fd): blocks this thread until the pipe holds bytes, for half a second at most, and empties it. */
napi_value Drain(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  pollfd waiting = {-1, POLLIN, 0};
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_int32(env, argument, &waiting.fd);
  int ready;
  do {
    ready = poll(&waiting, 1, kLongestWaitMs);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0 || (waiting.revents & POLLNVAL) != 0) return Throw(env, "poll", ready < 0 ? errno : EBADF);
  char rings[64];
  while (read(waiting.fd, rings, sizeof rings) == sizeof rings) {
  }
  return nullptr;
}

napi_value Initialize(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "create", NAPI_AUTO_LENGTH, Create, nullptr, &function);
  napi_set_named_property(env, exports, "create", function);
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, Open, nullptr, &function);
  napi_set_named_property(env, exports, "open", function);
  napi_create_function(env, "pipe", NAPI_AUTO_LENGTH, Pipe, nullptr, &function);
  napi_set_named_property(env, exports, "pipe", function);
  napi_create_function(env, "drain", NAPI_AUTO_LENGTH, Drain, nullptr, &function);
  napi_set_named_property(env, exports, "drain", function);
  napi_create_function(env, "unmap", NAPI_AUTO_LENGTH, Unmap, nullptr, &function);
  napi_set_named_property(env, exports, "unmap", function);
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, Initialize)
#endif
